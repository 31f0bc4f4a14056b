// Maps of inlay.bpf.h without a program: the test sets values by descriptor.

#include <linux/bpf.h>
// The types above come first.
#include <bpf/bpf_helpers.h>

#include "inlay/inlay.bpf.h"
#include "tests/capture/inlay_maps.h"

INLAY_MAP(cap_policies, struct CapPolicy, kMostCapPolicies, 23);
// The kernel cannot tell their parts by names, of which it keeps 15 bytes.
INLAY_MAP(cap_policies_in, struct CapPolicy, kMostCapPolicies, INLAY_AFTER(cap_policies));
INLAY_MAP_OF_PACKETS(cap_policies_out, struct CapPolicy, kMostCapPolicies,
                     INLAY_AFTER(cap_policies_in));

char licence[] SEC("license") = "Dual BSD/GPL";
