package org.attune.datasets.prepare;

import org.attune.datasets.formats.Sample;

import java.util.ArrayList;
import java.util.List;

/// Preference pairs as labelled completions. TRL's `unpair_preference_dataset` puts all chosen
/// completions before the rejected ones; here they alternate, so that rows in their order have both
/// labels in each micro-batch.
final class UnpairedPreferences {
    private UnpairedPreferences() {}

    /// Two rows of each pair, a chosen completion and a rejected one in turn. A rejected one is of
    /// a pair half the pairs later, the last being followed by the first: KTO takes the completion
    /// of the row before for one that doesn't fit the prompt. Of two pairs both chosen ones come
    /// first for that reason. Other samples stay where they are.
    static List<Sample> of(List<? extends Sample> samples) {
        List<Sample.Preference> pairs =
                samples.stream()
                        .filter(Sample.Preference.class::isInstance)
                        .map(Sample.Preference.class::cast)
                        .toList();
        var rows = new ArrayList<Sample>();
        if (pairs.size() == 2) {
            for (Sample sample : samples) {
                rows.add(sample instanceof Sample.Preference pair ? pair.unpaired(true) : sample);
            }
            pairs.forEach(pair -> rows.add(pair.unpaired(false)));
            return rows;
        }
        int shift = Math.max(2, pairs.size() / 2); // by 1 would be the pair of the next row
        int seen = 0;
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
