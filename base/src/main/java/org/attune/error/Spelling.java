package org.attune.error;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/// Finds the name somebody probably meant.
public final class Spelling {
    private static final int LONGEST = 200; // nobody mistypes longer names

    private Spelling() {}

    /// The candidate that takes the fewest edits of `name`; of several the first by alphabet. Empty
    /// if even that takes many, since it means something else: more than one, and more than one for
    /// each three letters of the name.
    public static Optional<String> nearest(String name, Collection<String> candidates) {
        if (name.length() > LONGEST) {
            return Optional.empty();
        }
        int most = Math.max(1, name.length() / 3);
        return candidates.stream()
                .filter(candidate -> !candidate.equals(name))
                .filter(candidate -> Math.abs(candidate.length() - name.length()) <= most)
                .filter(candidate -> distance(name, candidate) <= most)
                .min(
                        Comparator.<String>comparingInt(candidate -> distance(name, candidate))
                                .thenComparing(Comparator.naturalOrder()));
    }

    /// Insertions, deletions, substitutions and swaps of neighbours that turn one into the other
    /// without regard to case (Damerau-Levenshtein, each place edited once).
    static int distance(String a, String b) {
        String x = a.toLowerCase(Locale.ROOT);
        String y = b.toLowerCase(Locale.ROOT);
        int[][] d = new int[x.length() + 1][y.length() + 1];
        for (int i = 0; i <= x.length(); i++) {
            for (int j = 0; j <= y.length(); j++) {
                d[i][j] = i == 0 || j == 0 ? i + j : step(x, y, d, i, j);
            }
        }
        return d[x.length()][y.length()];
    }

    private static int step(String x, String y, int[][] d, int i, int j) {
        boolean same = x.charAt(i - 1) == y.charAt(j - 1);
        int best =
                Math.min(d[i - 1][j - 1] + (same ? 0 : 1), Math.min(d[i - 1][j], d[i][j - 1]) + 1);
        boolean swapped =
                i > 1
                        && j > 1
                        && x.charAt(i - 1) == y.charAt(j - 2)
                        && x.charAt(i - 2) == y.charAt(j - 1);
        return swapped ? Math.min(best, d[i - 2][j - 2] + 1) : best;
    }
}
