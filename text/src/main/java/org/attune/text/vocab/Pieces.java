package org.attune.text.vocab;

import java.util.List;

/// A vocabulary by id.
///
/// @param tokens no two are equal
/// @param kinds  kind of each token
/// @param scores SentencePiece's log-probabilities; empty for byte-level vocabularies
record Pieces(List<String> tokens, List<PieceKind> kinds, List<Float> scores) {
    int size() {
        return tokens.size();
    }
}
