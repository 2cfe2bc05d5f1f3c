package org.attune.datasets.prepare;

import org.attune.datasets.formats.Sample;

import java.util.ArrayList;
import java.util.List;

/// Preference pairs as labelled completions: TRL's `unpair_preference_dataset`, on samples.
final class UnpairedPreferences {
    private UnpairedPreferences() {}

    /// Two rows of each pair: first all chosen completions, then all rejected ones. Other samples
    /// stay as they are.
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
}
