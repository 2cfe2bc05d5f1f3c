/// The parts of a decoder and their weights: attention, feed-forward parts, norms, linear layers
/// with adapters, the output layer.
///
/// Read [Decoder], then [Block], [SelfAttention], [FeedForward] and [FusedLinear]. Dimensions: `N`
/// rows (tokens), `D` hidden size, `F` inner size, `V` vocabulary, `r` adapter rank.
package org.attune.model.layer;
