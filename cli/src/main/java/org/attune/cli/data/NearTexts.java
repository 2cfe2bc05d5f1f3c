package org.attune.cli.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/// Finds texts that are nearly the same: by MinHash over runs of words (Broder 1997, "On the
/// resemblance and containment of documents"), with locality-sensitive hashing in bands. A text is
/// compared with those before it that were kept.
///
/// The share of equal minima estimates the Jaccard index `J` of two sets of runs, with a standard
/// error of `√(J (1 − J) / permutations)`.
final class NearTexts {
    private final double threshold;
    private final int words;
    private final long[] seeds;
    private final int rows;
    private final List<int[]> kept = new ArrayList<>();
    private final Map<Band, List<Integer>> bands = new HashMap<>();

    /// @param threshold least estimated index of texts that are the same, in (0, 1]
    /// @param permutations minima of a text, ≥ 1
    /// @param words of a run, ≥ 1
    NearTexts(double threshold, int permutations, int words) {
        this.threshold = threshold;
        this.words = words;
        seeds = new long[permutations];
        Arrays.setAll(seeds, i -> mixed(i + 1));
        rows = rowsOfBand(threshold, permutations);
    }

    /// Minima of a text in a band.
    private record Band(int number, long hash) {}

    /// Rows of a band: as many as let texts of the threshold share a band in 99 of 100 cases, so
    /// that few are missed.
    static int rowsOfBand(double threshold, int permutations) {
        int rows = 1;
        for (int more = 2; more <= permutations; more++) {
            double missed =
                    Math.pow(1 - Math.pow(threshold, more), Math.floorDiv(permutations, more));
            rows = missed <= 0.01 ? more : rows;
        }
        return rows;
    }

    /// Looks for a text that is nearly the same, and keeps this one if there is none.
    ///
    /// @return the number of that text among the kept ones, from 0
    OptionalInt find(String text) {
        int[] minima = minima(text);
        int count = seeds.length / rows;
        Set<Integer> compared = new HashSet<>();
        List<Band> own = new ArrayList<>();
        for (int band = 0; band < count; band++) {
            long hash = 0;
            for (int i = band * rows; i < (band + 1) * rows; i++) {
                hash = mixed(hash ^ minima[i]);
            }
            own.add(new Band(band, hash));
            for (int other : bands.getOrDefault(own.getLast(), List.of())) {
                if (compared.add(other) && similarity(minima, kept.get(other)) >= threshold) {
                    return OptionalInt.of(other);
                }
            }
        }
        own.forEach(band -> bands.computeIfAbsent(band, _ -> new ArrayList<>()).add(kept.size()));
        kept.add(minima);
        return OptionalInt.empty();
    }

    private static double similarity(int[] one, int[] other) {
        int equal = 0;
        for (int i = 0; i < one.length; i++) {
            equal += one[i] == other[i] ? 1 : 0;
        }
        return (double) equal / one.length;
    }

    /// The least hash of each permutation over all runs of words.
    private int[] minima(String text) {
        int[] minima = new int[seeds.length];
        Arrays.fill(minima, Integer.MAX_VALUE);
        for (long run : runs(text)) {
            for (int i = 0; i < seeds.length; i++) {
                minima[i] = Math.min(minima[i], (int) (mixed(run ^ seeds[i]) >>> 32));
            }
        }
        return minima;
    }

    /// Hashes of the runs of words; of fewer words than a run has, of all together.
    private Set<Long> runs(String text) {
        List<Long> all = words(text);
        int length = Math.min(words, all.size());
        Set<Long> runs = new HashSet<>();
        for (int start = 0; start + length <= all.size(); start++) {
            long hash = length;
            for (int i = start; i < start + length; i++) {
                hash = mixed(hash ^ all.get(i));
            }
            runs.add(hash);
        }
        return runs;
    }

    /// Hashes of the words: letters and digits. Where a script has no blanks between words, each
    /// character is one.
    private static List<Long> words(String text) {
        List<Long> words = new ArrayList<>();
        long word = 0;
        for (int at = 0; at < text.length(); at += Character.charCount(text.codePointAt(at))) {
            int c = text.codePointAt(at);
            boolean alone = Character.isIdeographic(c) || isSyllable(c);
            if ((alone || !Character.isLetterOrDigit(c)) && word != 0) {
                words.add(word);
                word = 0;
            }
            if (alone) {
                words.add(mixed(c));
            } else if (Character.isLetterOrDigit(c)) {
                word = mixed(word + c) | 1;
            }
        }
        if (word != 0) {
            words.add(word);
        }
        return words;
    }

    private static boolean isSyllable(int c) {
        return switch (Character.UnicodeScript.of(c)) {
            case HIRAGANA, KATAKANA, THAI, LAO, KHMER, MYANMAR -> true;
            default -> false;
        };
    }

    /// The finaliser of SplitMix64 (Steele et al. 2014): each bit of the result depends on all.
    private static long mixed(long bits) {
        long z = bits + 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return z ^ (z >>> 31);
    }
}
