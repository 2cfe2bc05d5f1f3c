/// From samples to token ids with a loss mask, one preparation a kind of training: tokenised in
/// parallel and in order, cut, dropped and packed as TRL does.
///
/// Read [SftPreparation], then [SampleTokenizer]; [Preview] shows a person what is trained.
package org.attune.trainers.prepare;
