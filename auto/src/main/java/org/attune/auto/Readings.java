package org.attune.auto;

import org.attune.auto.ScoreTable.Form;
import org.attune.auto.ScoreTable.Score;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// All ways to read a table, with the points of each.
///
/// @param table that is read
/// @param scores that give the points
record Readings(TableFacts table, ScoreTable scores) {
    /// Part of multiple-choice questions with several columns, and what says which is right.
    static final String CHOICES = "choices";

    /// A column that may have a part.
    private record Candidate(ColumnFacts column, Score score) {}

    /// Readings with their minimum of points, the best first.
    List<Reading> best() {
        List<Reading> all = new ArrayList<>();
        for (Form form : scores.forms()) {
            List<Reading> found = List.of(Reading.of(form.kind()));
            for (String part : form.needs()) {
                found = found.stream().flatMap(r -> extended(r, part).stream()).toList();
            }
            found.stream()
                    .filter(r -> r.points() >= form.minimum())
                    .map(r -> completed(r, form))
                    .forEach(all::add);
        }
        all.sort(Comparator.comparingDouble(Reading::points).reversed());
        return all;
    }

    private List<Reading> extended(Reading reading, String part) {
        if (part.equals(CHOICES)) {
            return table.families().stream()
                    .filter(f -> f.stream().noneMatch(reading::takes))
                    .flatMap(f -> family(reading, f).stream())
                    .toList();
        }
        List<Reading> more = new ArrayList<>();
        for (Candidate candidate : candidates(reading, part)) {
            Reading with =
                    reading.with(part, List.of(candidate.column().name()), candidate.score());
            Optional.of(with)
                    .flatMap(r -> paired(r, part, candidate.column()))
                    .ifPresent(more::add);
        }
        return more;
    }

    private Optional<Reading> family(Reading reading, List<String> choices) {
        Reading with = reading.with(CHOICES, choices, new Score(0, List.of()));
        return paired(with, CHOICES, table.column(choices.getFirst()));
    }

    /// The reading with the points of two parts together; empty if they can't be.
    private Optional<Reading> paired(Reading reading, String part, ColumnFacts column) {
        Reading with = reading;
        for (String other : reading.parts().keySet()) {
            if (other.equals(part)) {
                continue;
            }
            String both = other + "+" + part;
            if (!scores.allows(both, table, reading, column)) {
                return Optional.empty();
            }
            with = with.plus(column.name(), scores.score(both, table, reading, column));
        }
        return Optional.of(with);
    }

    private List<Candidate> candidates(Reading reading, String part) {
        double least = scores.limits().getOrDefault(part, 0.0);
        return table.all().stream()
                .filter(c -> !reading.takes(c.name()))
                .filter(c -> scores.allows(part, table, reading, c))
                .map(c -> new Candidate(c, scores.score(part, table, reading, c)))
                .filter(c -> c.score().points() >= least)
                .sorted(Comparator.comparingDouble((Candidate c) -> c.score().points()).reversed())
                .toList();
    }

    /// The reading with the parts that may be there, less what its other columns put in doubt.
    private Reading completed(Reading reading, Form form) {
        Reading with = reading;
        for (List<String> parts : form.may()) {
            Map<String, List<Candidate>> found = new HashMap<>();
            for (String part : parts) {
                List<Candidate> candidates = candidates(with, part);
                if (!candidates.isEmpty()) {
                    found.put(part, candidates);
                }
            }
            if (found.size() == 1) {
                var only = found.entrySet().iterator().next();
                with = only(with, only.getKey(), only.getValue());
            }
        }
        int loud = loud(with).size();
        double less = loud * scores.limit("loud");
        return new Reading(kind(with), with.parts(), reading.points() - less, with.reasons());
    }

    private Reading only(Reading reading, String part, List<Candidate> candidates) {
        boolean clear =
                candidates.size() == 1
                        || candidates.get(0).score().points()
                                >= candidates.get(1).score().points() + 1;
        Candidate first = candidates.getFirst();
        return clear ? reading.with(part, List.of(first.column().name()), first.score()) : reading;
    }

    private static TableMapping.Kind kind(Reading reading) {
        if (reading.kind() != TableMapping.Kind.INSTRUCTION) {
            return reading.kind();
        }
        Set<String> parts = reading.parts().keySet();
        return parts.contains("label")
                ? TableMapping.Kind.LABELLED
                : parts.contains("rating") || parts.contains("rank")
                        ? TableMapping.Kind.RATED
                        : TableMapping.Kind.INSTRUCTION;
    }

    /// Columns that a reading leaves out, and that may matter.
    List<ColumnFacts> loud(Reading reading) {
        return table.all().stream()
                .filter(c -> !reading.takes(c.name()))
                .filter(c -> ignored(reading, c).points() < scores.limit("ignored"))
                .toList();
    }

    /// What speaks for leaving a column out.
    Score ignored(Reading reading, ColumnFacts column) {
        return scores.score("ignored", table, reading, column);
    }

    /// Columns that say which choice is right, where names are there those that are named so.
    static List<String> keys(TableFacts table, Reading reading) {
        List<String> choices = reading.parts().getOrDefault(CHOICES, List.of());
        return table.all().stream()
                .filter(c -> !choices.isEmpty() && !choices.contains(c.name()))
                .filter(c -> !table.named() || c.named().has("key"))
                .map(ColumnFacts::name)
                .filter(c -> table.relations().of(TableFacts.Relation.KEY, choices, List.of(c)) > 0)
                .toList();
    }

    /// Whether two readings differ in nothing that is trained.
    static boolean areSame(Reading one, Reading other) {
        return one.kind() == other.kind() && one.parts().equals(other.parts());
    }
}
