package org.attune.reports.page;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/// Whether a model names the classes of held-out texts better than one that always says the most
/// frequent class. A lower loss alone doesn't tell: it falls as soon as the names are known.
///
/// @param isBetter whether by more than chance gives
/// @param line for a terminal, beginning with `better: ` or `no better: `
public record ClassVerdict(boolean isBetter, String line) {
    /// Compares them row by row.
    ///
    /// @param classes of the rows, `(n)`
    /// @param named whether the model names each, `(n)`
    /// @param usual the class that is the most frequent one to learn from
    public static ClassVerdict of(List<String> classes, List<Boolean> named, String usual) {
        List<OptionalDouble> always = new ArrayList<>();
        List<OptionalDouble> model = new ArrayList<>();
        for (int i = 0; i < classes.size(); i++) {
            always.add(OptionalDouble.of(classes.get(i).equals(usual) ? 1 : 0));
            model.add(OptionalDouble.of(named.get(i) ? 1 : 0));
        }
        PairedDifference change = PairedDifference.of(always, model);
        boolean better = change.isClear() && change.difference() > 0;
        return new ClassVerdict(
                better,
                "%s: accuracy %s on %d held-out texts; %s by always saying \"%s\". Difference, row by row: %s."
                        .formatted(
                                better ? "better" : "no better",
                                Figures.number(change.second()),
                                change.n(),
                                Figures.number(change.first()),
                                usual,
                                change.text()));
    }
}
