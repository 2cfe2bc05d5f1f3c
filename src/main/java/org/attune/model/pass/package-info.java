/// Forward and backward passes over the tokens of a micro-batch.
///
/// Read [DecoderRun], then [WrittenBlock] (written by hand) beside [PlainBlock] (autograd), and
/// [Layout] for which token sees which. Dimensions: `N` rows (tokens), `D` hidden size, `C` key and
/// value heads, `G` query heads a key head, `K` head size.
package org.attune.model.pass;
