package org.attune.text;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/// The known key that an unknown one was probably meant to be.
public final class NearestKey {
    private NearestKey() {}

    /// The key with the smallest edit distance; empty if even that is more than half the length.
    public static Optional<String> of(String wrong, Collection<String> known) {
        return known.stream()
                .filter(key -> mayBeNear(wrong, key))
                .min(
                        Comparator.<String>comparingInt(key -> distance(wrong, key))
                                .thenComparing(Comparator.naturalOrder()))
                .filter(key -> 2 * distance(wrong, key) <= Math.max(wrong.length(), key.length()));
    }

    /// Whether the lengths alone don't rule it out: their difference is the least distance.
    private static boolean mayBeNear(String wrong, String key) {
        return 2 * Math.abs(wrong.length() - key.length())
                <= Math.max(wrong.length(), key.length());
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that turn one into the other
    /// (Damerau-Levenshtein, each place edited once).
    static int distance(String a, String b) {
        int[][] d = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                d[i][j] = i == 0 || j == 0 ? i + j : step(a, b, d, i, j);
            }
        }
        return d[a.length()][b.length()];
    }

    private static int step(String a, String b, int[][] d, int i, int j) {
        boolean same = a.charAt(i - 1) == b.charAt(j - 1);
        int best =
                Math.min(d[i - 1][j - 1] + (same ? 0 : 1), Math.min(d[i - 1][j], d[i][j - 1]) + 1);
        boolean swapped =
                i > 1
                        && j > 1
                        && a.charAt(i - 1) == b.charAt(j - 2)
                        && a.charAt(i - 2) == b.charAt(j - 1);
        return swapped ? Math.min(best, d[i - 2][j - 2] + 1) : best;
    }
}
