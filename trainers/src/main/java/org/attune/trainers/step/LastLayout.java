package org.attune.trainers.step;

import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/// The layout of a group, which is asked for several times in a row.
///
/// @param <T> a row
/// @param <F> how rows are laid out
public final class LastLayout<T, F> {
    private final Function<List<T>, F> layout;
    private Optional<Laid<T, F>> last = Optional.empty();

    private record Laid<T, F>(List<T> group, F forest) {}

    /// @param layout lays a group out
    public LastLayout(Function<List<T>, F> layout) {
        this.layout = layout;
    }

    /// The layout of a group, the same list as before or another one.
    public F of(List<T> group) {
        if (last.isEmpty() || last.get().group() != group) {
            last = Optional.of(new Laid<>(group, layout.apply(group)));
        }
        return last.get().forest();
    }
}
