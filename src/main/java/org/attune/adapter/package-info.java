/// Adapter folders in PEFT's format: which modules an adapter changes, how, and the tensors it
/// holds.
///
/// Read [AdapterConfig], then [LoraConfig], [Ia3Config] and [AdapterFolder]. Which modules a
/// configuration names is decided by [ModuleSelection] and [ModulePatterns]. Dimensions: `r`
/// adapter rank, `in` and `out` widths of a linear layer.
package org.attune.adapter;
