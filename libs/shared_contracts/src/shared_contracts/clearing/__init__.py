"""Clearing (查重、更正、注销): duplicates, corrections of key fields, cancellations. Words of the registry.

Articles 18, 20, 22, 39, 40. Document numbers travel in commands alone and are kept by identity; events carry ids.
"""

from __future__ import annotations

from shared_contracts.clearing import cancellations, corrections, duplicates, protections
from shared_contracts.clearing.cancellations import CancellationPage as CancellationPage
from shared_contracts.clearing.cancellations import CancellationState as CancellationState
from shared_contracts.clearing.cancellations import CancellationView as CancellationView
from shared_contracts.clearing.cancellations import DecideCancellation as DecideCancellation
from shared_contracts.clearing.cancellations import GetCancellation as GetCancellation
from shared_contracts.clearing.cancellations import Ground as Ground
from shared_contracts.clearing.cancellations import ListCancellations as ListCancellations
from shared_contracts.clearing.cancellations import PrecheckCancellation as PrecheckCancellation
from shared_contracts.clearing.cancellations import ProposeCancellation as ProposeCancellation
from shared_contracts.clearing.cancellations import RecordCancelled as RecordCancelled
from shared_contracts.clearing.cancellations import RecordReinstated as RecordReinstated
from shared_contracts.clearing.cancellations import RecordReinstating as RecordReinstating
from shared_contracts.clearing.cancellations import ReinstateRecord as ReinstateRecord
from shared_contracts.clearing.cancellations import WithdrawCancellation as WithdrawCancellation
from shared_contracts.clearing.corrections import CorrectionApproved as CorrectionApproved
from shared_contracts.clearing.corrections import CorrectionDropped as CorrectionDropped
from shared_contracts.clearing.corrections import CorrectionPage as CorrectionPage
from shared_contracts.clearing.corrections import CorrectionProposed as CorrectionProposed
from shared_contracts.clearing.corrections import CorrectionState as CorrectionState
from shared_contracts.clearing.corrections import CorrectionStep as CorrectionStep
from shared_contracts.clearing.corrections import CorrectionView as CorrectionView
from shared_contracts.clearing.corrections import DecideCorrection as DecideCorrection
from shared_contracts.clearing.corrections import GetCorrection as GetCorrection
from shared_contracts.clearing.corrections import KeyValues as KeyValues
from shared_contracts.clearing.corrections import ListCorrections as ListCorrections
from shared_contracts.clearing.corrections import OpenCorrection as OpenCorrection
from shared_contracts.clearing.corrections import PrecheckCorrection as PrecheckCorrection
from shared_contracts.clearing.corrections import ResubmitCorrection as ResubmitCorrection
from shared_contracts.clearing.corrections import StudentCorrected as StudentCorrected
from shared_contracts.clearing.corrections import UpdateProfile as UpdateProfile
from shared_contracts.clearing.corrections import WithdrawCorrection as WithdrawCorrection
from shared_contracts.clearing.duplicates import DecideDuplicate as DecideDuplicate
from shared_contracts.clearing.duplicates import DuplicatePage as DuplicatePage
from shared_contracts.clearing.duplicates import DuplicateSide as DuplicateSide
from shared_contracts.clearing.duplicates import DuplicateState as DuplicateState
from shared_contracts.clearing.duplicates import DuplicateStatement as DuplicateStatement
from shared_contracts.clearing.duplicates import DuplicateView as DuplicateView
from shared_contracts.clearing.duplicates import GetDuplicate as GetDuplicate
from shared_contracts.clearing.duplicates import GetScan as GetScan
from shared_contracts.clearing.duplicates import ListDuplicates as ListDuplicates
from shared_contracts.clearing.duplicates import ListScans as ListScans
from shared_contracts.clearing.duplicates import Position as Position
from shared_contracts.clearing.duplicates import ReportDuplicate as ReportDuplicate
from shared_contracts.clearing.duplicates import ScanPage as ScanPage
from shared_contracts.clearing.duplicates import ScanState as ScanState
from shared_contracts.clearing.duplicates import ScanView as ScanView
from shared_contracts.clearing.duplicates import StartScan as StartScan
from shared_contracts.clearing.duplicates import StateDuplicate as StateDuplicate
from shared_contracts.clearing.duplicates import UndoDuplicate as UndoDuplicate
from shared_contracts.clearing.protections import EndProtection as EndProtection
from shared_contracts.clearing.protections import ListProtections as ListProtections
from shared_contracts.clearing.protections import ProtectionKind as ProtectionKind
from shared_contracts.clearing.protections import ProtectionPage as ProtectionPage
from shared_contracts.clearing.protections import ProtectionView as ProtectionView
from shared_contracts.clearing.protections import ProtectRecord as ProtectRecord
from shared_contracts.clearing.steps import CaseDecision as CaseDecision
from shared_contracts.clearing.steps import ClearingChecked as ClearingChecked
from shared_contracts.clearing.steps import Step as Step
from shared_contracts.messages import Command, Message, Query

Commands = protections.Commands | cancellations.Commands | corrections.Commands | duplicates.Commands
Queries = protections.Queries | cancellations.Queries | corrections.Queries | duplicates.Queries
Events = corrections.Events | cancellations.Events

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    **protections.REPLIES,
    **cancellations.REPLIES,
    **corrections.REPLIES,
    **duplicates.REPLIES,
}
"""Part of the registry's (`registry.REPLIES`)."""
