package org.attune.reports.page;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// How several groups of numbers are spread over the same bins: one for each value where there are
/// few, else of equal width. A named tuple.
///
/// @param groups names of the groups, `(G)`
/// @param limits of the bins, `(B + 1)`; the values themselves, `(B)`, if `single`
/// @param single whether a bin is a value
/// @param counts numbers in each bin, `(G, B)`
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
record Bins(List<String> groups, double[] limits, boolean single, double[][] counts) {
    private static final int FEW = 12;
    private static final int MANY = 24;

    /// @param numbers by the name of their group; at least one number in all
    static Bins of(Map<String, double[]> numbers) {
        Map<String, double[]> finite = new LinkedHashMap<>();
        numbers.forEach(
                (name, all) -> {
                    double[] kept = Arrays.stream(all).filter(Double::isFinite).toArray();
                    if (kept.length > 0) {
                        finite.put(name, kept);
                    }
                });
        double[] all = finite.values().stream().flatMapToDouble(Arrays::stream).toArray();
        double[] distinct = Arrays.stream(all).distinct().sorted().limit(FEW + 1L).toArray();
        boolean single = distinct.length <= FEW;
        double low = Arrays.stream(all).min().orElse(0);
        double high = Arrays.stream(all).max().orElse(1);
        double[] limits = single ? distinct : new double[MANY + 1];
        for (int b = 0; !single && b <= MANY; b++) {
            limits[b] = low + (high - low) * b / MANY;
        }
        int count = single ? limits.length : MANY;
        var counts = new double[finite.size()][count];
        int group = 0;
        for (double[] some : finite.values()) {
            for (double number : some) {
                int at =
                        single
                                ? Arrays.binarySearch(limits, number)
                                : (int) ((number - low) / (high - low) * MANY);
                counts[group][Math.clamp(at, 0, count - 1)]++;
            }
            group++;
        }
        return new Bins(new ArrayList<>(finite.keySet()), limits, single, counts);
    }

    int count() {
        return counts.length == 0 ? 0 : counts[0].length;
    }

    /// Share of a group's numbers in a bin.
    double share(int group, int bin) {
        return counts[group][bin] / Arrays.stream(counts[group]).sum();
    }

    double largestShare() {
        double most = 0;
        for (int g = 0; g < counts.length; g++) {
            for (int b = 0; b < count(); b++) {
                most = Math.max(most, share(g, b));
            }
        }
        return most;
    }

    /// The bins whose labels have room.
    List<Integer> labelled() {
        int every = Math.max(1, (count() + 5) / 6);
        List<Integer> bins = new ArrayList<>();
        for (int b = 0; b < count(); b += every) {
            bins.add(b);
        }
        return bins;
    }

    /// The value of a bin, or its middle.
    String label(int bin) {
        return Figures.number(single ? limits[bin] : rounded((limits[bin] + limits[bin + 1]) / 2));
    }

    private double rounded(double middle) {
        double unit = Math.pow(10, Math.floor(Math.log10(Math.max(1e-300, limits[1] - limits[0]))));
        return Math.round(middle / unit) * unit;
    }
}
