package org.attune.cli.terminal;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/// A line of parts, of which those that matter least are left out until it fits.
public final class FittedLine {
    private static final String GAP = "  ";

    private record Part(String text, int rank) {}

    private final List<Part> parts = new ArrayList<>();

    /// Adds a part behind the others; an empty text adds nothing.
    ///
    /// @param rank what has a larger one is left out sooner; of equal ones the later
    public FittedLine add(String text, int rank) {
        if (!text.isEmpty()) {
            parts.add(new Part(text, rank));
        }
        return this;
    }

    /// The whole line.
    public String whole() {
        return join(parts);
    }

    /// The parts that fit; of the first one as much as fits.
    ///
    /// @param columns at least 1
    public String within(int columns) {
        List<Part> kept = new ArrayList<>(parts);
        while (kept.size() > 1 && VisibleText.width(join(kept)) > columns) {
            int worst = kept.stream().mapToInt(Part::rank).max().orElseThrow();
            kept.remove(
                    kept.reversed().stream()
                            .filter(part -> part.rank() == worst)
                            .max(Comparator.comparingInt(kept::lastIndexOf))
                            .orElseThrow());
        }
        return VisibleText.fit(join(kept), columns);
    }

    private static String join(List<Part> parts) {
        return parts.stream().map(Part::text).collect(Collectors.joining(GAP));
    }
}
