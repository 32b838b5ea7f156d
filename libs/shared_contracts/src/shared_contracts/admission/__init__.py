"""Admission (招生、入学, clauses 5.2 to 10.2): attendance zones, children of age, places, notices, the first day.

Words of the registry. A child is shown by name, birth date and masked number; address and telephone only one by one.
"""

from __future__ import annotations

from shared_contracts.admission import applications, children, places, zones
from shared_contracts.admission.applications import AdmitPrivately as AdmitPrivately
from shared_contracts.admission.applications import ApplicationKind as ApplicationKind
from shared_contracts.admission.applications import ApplicationPage as ApplicationPage
from shared_contracts.admission.applications import ApplicationStep as ApplicationStep
from shared_contracts.admission.applications import ApplicationView as ApplicationView
from shared_contracts.admission.applications import ApplyAsMigrant as ApplyAsMigrant
from shared_contracts.admission.applications import ApplyForDeferral as ApplyForDeferral
from shared_contracts.admission.applications import ApplyInternationally as ApplyInternationally
from shared_contracts.admission.applications import DecideApplication as DecideApplication
from shared_contracts.admission.applications import GetApplication as GetApplication
from shared_contracts.admission.applications import ListApplications as ListApplications
from shared_contracts.admission.applications import PrivateAdmissions as PrivateAdmissions
from shared_contracts.admission.applications import PrivateApplicant as PrivateApplicant
from shared_contracts.admission.applications import SchoolChoiceView as SchoolChoiceView
from shared_contracts.admission.children import ChildGiven as ChildGiven
from shared_contracts.admission.children import ChildPage as ChildPage
from shared_contracts.admission.children import ChildrenImport as ChildrenImport
from shared_contracts.admission.children import ChildrenImportPage as ChildrenImportPage
from shared_contracts.admission.children import ChildrenImportRow as ChildrenImportRow
from shared_contracts.admission.children import ChildrenImportRows as ChildrenImportRows
from shared_contracts.admission.children import ChildState as ChildState
from shared_contracts.admission.children import ChildView as ChildView
from shared_contracts.admission.children import ConfirmChildrenImport as ConfirmChildrenImport
from shared_contracts.admission.children import FindChild as FindChild
from shared_contracts.admission.children import GetChild as GetChild
from shared_contracts.admission.children import GetChildrenImport as GetChildrenImport
from shared_contracts.admission.children import GetChildrenTemplate as GetChildrenTemplate
from shared_contracts.admission.children import ListChildren as ListChildren
from shared_contracts.admission.children import ListChildrenImportRows as ListChildrenImportRows
from shared_contracts.admission.children import ListChildrenImports as ListChildrenImports
from shared_contracts.admission.children import OpenChildrenImport as OpenChildrenImport
from shared_contracts.admission.children import Origin as Origin
from shared_contracts.admission.children import RemoveChild as RemoveChild
from shared_contracts.admission.places import AdmissionOverview as AdmissionOverview
from shared_contracts.admission.places import AdmissionPage as AdmissionPage
from shared_contracts.admission.places import AdmissionView as AdmissionView
from shared_contracts.admission.places import AskPostponement as AskPostponement
from shared_contracts.admission.places import DecidePostponement as DecidePostponement
from shared_contracts.admission.places import EndAdmission as EndAdmission
from shared_contracts.admission.places import GetAdmission as GetAdmission
from shared_contracts.admission.places import GetAdmissionOverview as GetAdmissionOverview
from shared_contracts.admission.places import GetPlacementRun as GetPlacementRun
from shared_contracts.admission.places import ListAdmissions as ListAdmissions
from shared_contracts.admission.places import ListPostponements as ListPostponements
from shared_contracts.admission.places import NoShow as NoShow
from shared_contracts.admission.places import NoShows as NoShows
from shared_contracts.admission.places import NoticesPrinted as NoticesPrinted
from shared_contracts.admission.places import ObjectToAdmission as ObjectToAdmission
from shared_contracts.admission.places import PlaceChild as PlaceChild
from shared_contracts.admission.places import PlacementPreview as PlacementPreview
from shared_contracts.admission.places import PlacementRun as PlacementRun
from shared_contracts.admission.places import PostponementPage as PostponementPage
from shared_contracts.admission.places import PostponementView as PostponementView
from shared_contracts.admission.places import PreviewPlacement as PreviewPlacement
from shared_contracts.admission.places import PrintNotices as PrintNotices
from shared_contracts.admission.places import Progress as Progress
from shared_contracts.admission.places import RecordReports as RecordReports
from shared_contracts.admission.places import ReportsRecorded as ReportsRecorded
from shared_contracts.admission.places import SchoolAdmissions as SchoolAdmissions
from shared_contracts.admission.places import SchoolPlaces as SchoolPlaces
from shared_contracts.admission.places import StartPlacement as StartPlacement
from shared_contracts.admission.terms import StageName as StageName
from shared_contracts.admission.terms import Way as Way
from shared_contracts.admission.zones import AreaView as AreaView
from shared_contracts.admission.zones import EndZone as EndZone
from shared_contracts.admission.zones import FindZone as FindZone
from shared_contracts.admission.zones import GetZone as GetZone
from shared_contracts.admission.zones import GetZoneTemplate as GetZoneTemplate
from shared_contracts.admission.zones import ListZones as ListZones
from shared_contracts.admission.zones import Overlap as Overlap
from shared_contracts.admission.zones import ReadZones as ReadZones
from shared_contracts.admission.zones import SetZones as SetZones
from shared_contracts.admission.zones import ZoneEnding as ZoneEnding
from shared_contracts.admission.zones import ZoneGiven as ZoneGiven
from shared_contracts.admission.zones import ZoneHistory as ZoneHistory
from shared_contracts.admission.zones import ZoneMatch as ZoneMatch
from shared_contracts.admission.zones import ZoneMatches as ZoneMatches
from shared_contracts.admission.zones import ZonePage as ZonePage
from shared_contracts.admission.zones import ZonePart as ZonePart
from shared_contracts.admission.zones import ZoneRow as ZoneRow
from shared_contracts.admission.zones import ZonesChecked as ZonesChecked
from shared_contracts.admission.zones import ZonesSet as ZonesSet
from shared_contracts.admission.zones import ZoneView as ZoneView
from shared_contracts.messages import Command, Message, Query

Commands = zones.Commands | children.Commands | places.Commands | applications.Commands
Queries = zones.Queries | children.Queries | places.Queries | applications.Queries
Events = places.Events

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    **zones.REPLIES,
    **children.REPLIES,
    **places.REPLIES,
    **applications.REPLIES,
}
"""Part of the registry's (`registry.REPLIES`)."""
