"""Organisations (机构): education authorities and schools, dated; what every rule about a school looks at."""
