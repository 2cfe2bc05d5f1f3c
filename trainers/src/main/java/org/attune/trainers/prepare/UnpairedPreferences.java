package org.attune.trainers.prepare;

import org.attune.datasets.formats.Sample;

import java.util.ArrayList;
import java.util.List;

/// Preference pairs as labelled completions, two rows of each pair. Other samples stay where they
/// are.
final class UnpairedPreferences {
    private UnpairedPreferences() {}

    /// First all chosen completions, then all rejected ones: TRL's `unpair_preference_dataset`, on
    /// samples.
    static List<Sample> of(List<? extends Sample> samples) {
        var rows = new ArrayList<Sample>();
        var rejected = new ArrayList<Sample>();
        for (Sample sample : samples) {
            if (sample instanceof Sample.Preference pair) {
                rows.add(pair.unpaired(true));
                rejected.add(pair.unpaired(false));
            } else {
                rows.add(sample);
            }
        }
        rows.addAll(rejected);
        return rows;
    }

    /// A chosen completion and a rejected one in turn, so that rows in their order have both labels
    /// in each micro-batch. A rejected one is of a pair half the pairs later, the last being
    /// followed by the first: KTO takes the completion of the row before for one that doesn't fit
    /// the prompt. Of one or two pairs there is no such order, and both chosen ones come first.
    static List<Sample> inTurn(List<? extends Sample> samples) {
        List<Sample.Preference> pairs =
                samples.stream()
                        .filter(Sample.Preference.class::isInstance)
                        .map(Sample.Preference.class::cast)
                        .toList();
        if (pairs.size() <= 2) {
            return of(samples);
        }
        int shift = Math.max(2, pairs.size() / 2); // by 1 would be the pair of the next row
        int seen = 0;
        var rows = new ArrayList<Sample>();
        for (Sample sample : samples) {
            if (sample instanceof Sample.Preference pair) {
                rows.add(pair.unpaired(true));
                rows.add(pairs.get((seen++ + shift) % pairs.size()).unpaired(false));
            } else {
                rows.add(sample);
            }
        }
        return rows;
    }
}
