package org.attune.text.vocab;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Merge list that makes a plain BPE give the pieces of a SentencePiece BPE vocabulary.
/// SentencePiece joins, again and again, the two neighbours whose union is the best-scored piece;
/// so every way to cut a piece into two others is a merge, ranked by the piece's score.
final class SentencePieceMerges {
    private SentencePieceMerges() {}

    /// @param left  first piece
    /// @param right second piece
    /// @param score score of their union
    record Merge(String left, String right, float score) {}

    /// All merges, best first.
    static List<Merge> of(Pieces vocabulary) {
        Set<String> pieces = new HashSet<>();
        for (int id = 0; id < vocabulary.tokens().size(); id++) {
            if (isPiece(vocabulary, id)) {
                pieces.add(vocabulary.tokens().get(id));
            }
        }
        var merges = new ArrayList<Merge>();
        for (int id = 0; id < vocabulary.tokens().size(); id++) {
            if (isPiece(vocabulary, id)) {
                addCuts(vocabulary.tokens().get(id), vocabulary.scores().get(id), pieces, merges);
            }
        }
        // Among equal scores the longer left piece goes first, as in converters to this format.
        merges.sort(
                Comparator.comparingDouble((Merge m) -> -m.score)
                        .thenComparingInt(m -> -m.left.length())
                        .thenComparingInt(m -> -m.right.length()));
        return merges;
    }

    private static void addCuts(String piece, float score, Set<String> pieces, List<Merge> merges) {
        for (int at = 1; at < piece.length(); at++) {
            if (Character.isLowSurrogate(piece.charAt(at))) {
                continue;
            }
            String left = piece.substring(0, at);
            String right = piece.substring(at);
            if (pieces.contains(left) && pieces.contains(right)) {
                merges.add(new Merge(left, right, score));
            }
        }
    }

    private static boolean isPiece(Pieces vocabulary, int id) {
        return vocabulary.kinds().get(id) == PieceKind.NORMAL;
    }
}
