/// The pieces of a decoder and their weights: linear layers with adapters, norms, the gated
/// activation, the output layer.
///
/// Read [Decoder], then [Block] and [FusedLinear]. Dimensions: `N` rows (tokens), `D` hidden size,
/// `F` inner size, `V` vocabulary, `r` adapter rank.
package org.attune.model.layer;
