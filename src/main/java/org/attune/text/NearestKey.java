package org.attune.text;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;

/// The known key that an unknown one was probably meant to be.
public final class NearestKey {
    private NearestKey() {}

    /// The key that takes the fewest edits; empty if even that takes many, since such a key means
    /// something else: more than one, and more than one for each three letters of the name.
    public static Optional<String> of(String wrong, Collection<String> known) {
        int most = Math.max(1, wrong.length() / 3);
        return known.stream()
                .filter(key -> Math.abs(wrong.length() - key.length()) <= most)
                .min(
                        Comparator.<String>comparingInt(key -> distance(wrong, key))
                                .thenComparing(Comparator.naturalOrder()))
                .filter(key -> distance(wrong, key) <= most);
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that turn one into the other
    /// (Damerau-Levenshtein, each place edited once).
    private static int distance(String a, String b) {
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
