package org.attune.datasets.sniff;

import org.attune.datasets.formats.Transcript;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Columns with the roles that their names and contents allow.
final class ColumnCandidates {
    private static final Pattern NUMBERED =
            Pattern.compile("(.*?)_?(a|b|1|2|left|right|one|two|x|y)");

    /// Columns that may hold what somebody said, or the name of who said it.
    private static final Set<String> SPEAKERS =
            Set.of(
                    "user",
                    "human",
                    "customer",
                    "client",
                    "patient",
                    "student",
                    "agent",
                    "doctor",
                    "teacher",
                    "bot",
                    "assistant",
                    "kunde",
                    "nutzer",
                    "benutzer",
                    "cliente",
                    "usuario",
                    "utente",
                    "utilisateur",
                    "klant",
                    "gebruiker");

    /// Names of answers that are none of an answer by themselves.
    private static final Set<String> OPTIONS =
            Set.of("model", "option", "candidate", "choice", "text");

    private static final double NAME = 2.2;
    private static final double FILLED = 0.5;

    /// Mean rows in a row with the same value, from which on they are sorted by it.
    private static final int RUN = 20;

    /// Mean length of lists, in characters, from which on they are something to read.
    private static final int LONG = 60;

    /// Words of the longest text in a list of tags.
    private static final int MARK = 4;

    private final Map<String, ColumnFacts> facts = new LinkedHashMap<>();
    private final SniffedTable table;

    ColumnCandidates(SniffedTable table, Set<String> without) {
        this.table = table;
        for (String column : table.columns()) {
            ColumnFacts own = ColumnFacts.of(column, table.rows());
            if (!without.contains(column) && own.kind() != ColumnFacts.Kind.EMPTY) {
                facts.put(column, own);
            }
        }
    }

    ColumnFacts facts(String column) {
        return facts.get(column);
    }

    Set<String> columns() {
        return facts.keySet();
    }

    /// Columns of which the name says that they are for this, and the content allows it.
    List<String> strong(ColumnRole role) {
        return facts.values().stream()
                .filter(f -> roles(f).contains(role) && fits(f, role))
                .filter(f -> role != ColumnRole.PROMPT || !sortsQuestions(f))
                .map(ColumnFacts::name)
                .toList();
    }

    /// Whether it holds a few short words beside texts that are named as questions too, such as
    /// `tipo_pregunta` beside `texto_pregunta`.
    boolean sortsQuestions(ColumnFacts column) {
        return column.kind() == ColumnFacts.Kind.CATEGORY
                && !column.judges()
                && ColumnWords.strong(column.name()).contains(ColumnRole.PROMPT)
                && ColumnWords.split(column.name()).size() > 1
                && facts.values().stream()
                        .filter(f -> f.kind() == ColumnFacts.Kind.TEXT)
                        .anyMatch(f -> ColumnWords.within(f.name()).contains(ColumnRole.PROMPT));
    }

    /// Whether it is named `a`, which is an answer beside `q`, and else one of several choices.
    private boolean isLetter(String column) {
        return column.strip().equalsIgnoreCase("a")
                && facts.keySet().stream().noneMatch(c -> c.strip().equalsIgnoreCase("q"));
    }

    private Set<ColumnRole> roles(ColumnFacts column) {
        Set<ColumnRole> roles = ColumnWords.strong(column.name());
        if (SPEAKERS.contains(ColumnWords.normal(column.name())) && column.words() <= NAME) {
            return EnumSet.of(ColumnRole.IGNORE); // who spoke, not what
        }
        return isLetter(column.name()) ? Set.of() : roles;
    }

    /// Columns whose names say it but for words that say nothing.
    List<String> loose(ColumnRole role) {
        return facts.values().stream()
                .filter(f -> roles(f).isEmpty() && !isLetter(f.name()))
                .filter(f -> ColumnWords.loose(f.name()).contains(role))
                .filter(f -> fits(f, role))
                .map(ColumnFacts::name)
                .toList();
    }

    List<String> weak(ColumnRole role) {
        return facts.values().stream()
                .filter(f -> ColumnWords.weak(f.name()).contains(role) && fits(f, role))
                .map(ColumnFacts::name)
                .toList();
    }

    /// The only column that can be it: by a strong name, else by one with words that say nothing,
    /// else by a weak one.
    Optional<String> only(ColumnRole role, Set<String> taken) {
        List<String> strong = strong(role).stream().filter(c -> !taken.contains(c)).toList();
        if (!strong.isEmpty()) {
            return strong.size() == 1 ? Optional.of(strong.getFirst()) : Optional.empty();
        }
        List<String> loose = loose(role).stream().filter(c -> !taken.contains(c)).toList();
        if (!loose.isEmpty() && role == ColumnRole.PROMPT) {
            return loose.size() == 1 ? Optional.of(loose.getFirst()) : Optional.empty();
        }
        List<String> weak = weak(role).stream().filter(c -> !taken.contains(c)).toList();
        return weak.size() == 1 ? Optional.of(weak.getFirst()) : Optional.empty();
    }

    /// Who says a row's message: a column named so, or one of nothing but speakers.
    Optional<String> speaker() {
        Optional<String> named = only(ColumnRole.ROLE, Set.of());
        if (named.isPresent() || conversations().isEmpty()) {
            return named;
        }
        List<String> speakers =
                facts.values().stream()
                        .filter(f -> f.kind() == ColumnFacts.Kind.CATEGORY)
                        .filter(f -> fits(f, ColumnRole.ROLE) && f.different() > 1)
                        .map(ColumnFacts::name)
                        .toList();
        return speakers.size() == 1 ? Optional.of(speakers.getFirst()) : Optional.empty();
    }

    /// Columns that may say which conversation a row belongs to: by name, else numbers and
    /// identities of which equal ones follow each other.
    List<String> conversations() {
        List<String> named = strong(ColumnRole.GROUP);
        return named.isEmpty()
                ? facts.values().stream().filter(this::isInRuns).map(ColumnFacts::name).toList()
                : named;
    }

    private boolean isInRuns(ColumnFacts column) {
        boolean identity =
                column.words() == 1
                        && ColumnWords.normal(column.name())
                                .matches("(.*_)?(id|nr|no|number|index)");
        if (!identity || column.filled() < 1 || column.different() > table.rows().size() / 2) {
            return false;
        }
        int runs = 1;
        for (int row = 1; row < table.rows().size(); row++) {
            Object before = table.rows().get(row - 1).get(column.name());
            runs += before.equals(table.rows().get(row).get(column.name())) ? 0 : 1;
        }
        return runs == column.different();
    }

    /// Whether rows lie sorted by three or more values, as by what they are about. How good answers
    /// are changes from row to row.
    private boolean isSorted(ColumnFacts column) {
        int runs = 1;
        for (int row = 1; row < table.rows().size(); row++) {
            Object before = table.rows().get(row - 1).get(column.name());
            Object value = table.rows().get(row).get(column.name());
            runs += Objects.equals(before, value) ? 0 : 1;
        }
        return column.different() > 2 && runs * RUN <= table.rows().size();
    }

    static boolean isTextual(ColumnFacts facts) {
        return facts.kind() == ColumnFacts.Kind.TEXT || facts.kind() == ColumnFacts.Kind.CATEGORY;
    }

    private boolean fits(ColumnFacts facts, ColumnRole role) {
        boolean textual = isTextual(facts);
        boolean messages = facts.kind() == ColumnFacts.Kind.MESSAGES;
        return switch (role) {
            case PROMPT, CHOSEN, REJECTED ->
                    messages
                            || textual
                                    && !facts.judges()
                                    && (facts.kind() == ColumnFacts.Kind.TEXT
                                            || facts.different() > 2);
            case COMPLETION ->
                    messages
                            || !facts.judges()
                                    && (textual || facts.kind() == ColumnFacts.Kind.NUMBER)
                            || facts.kind() == ColumnFacts.Kind.NESTED
                                    && holdsAnswers(facts.name());
            case LABEL -> facts.judges();
            case RATING, RANK -> facts.kind() == ColumnFacts.Kind.NUMBER && facts.different() > 1;
            case WINNER -> facts.different() <= 8 && facts.words() < 4;
            case CONTEXT -> textual || facts.kind() == ColumnFacts.Kind.NESTED && holdsTexts(facts);
            case TEXT, SYSTEM -> textual;
            case MESSAGES -> messages;
            case CHOICE -> textual || facts.kind() == ColumnFacts.Kind.NESTED;
            case HISTORY -> facts.kind() != ColumnFacts.Kind.NUMBER;
            case ROLE -> facts.values().stream().allMatch(v -> Transcript.role(v).isPresent());
            case GROUP -> facts.kind() != ColumnFacts.Kind.MESSAGES;
            case IGNORE -> true;
        };
    }

    private boolean holdsAnswers(String column) {
        long answers =
                table.rows().stream()
                        .filter(r -> TextList.isAnswers(column, r.get(column)))
                        .count();
        return answers > FILLED * table.rows().size();
    }

    /// Whether it holds lists of texts.
    private boolean holdsTexts(ColumnFacts column) {
        return column.letters() >= LONG
                && table.rows().stream()
                        .map(r -> r.get(column.name()))
                        .allMatch(cell -> cell == null || TextList.of(cell).isPresent());
    }

    /// Whether it holds lists or objects of numbers and short texts, such as tags and identities.
    private boolean holdsMarks(ColumnFacts column) {
        boolean said =
                ColumnWords.within(column.name()).stream()
                        .anyMatch(
                                role ->
                                        role == ColumnRole.PROMPT
                                                || role == ColumnRole.COMPLETION
                                                || role == ColumnRole.CHOSEN
                                                || role == ColumnRole.REJECTED);
        return !said
                && table.rows().stream()
                        .map(r -> r.get(column.name()))
                        .filter(cell -> cell != null)
                        .allMatch(cell -> TextList.words(cell) <= MARK);
    }

    /// Two columns whose names differ by `a` and `b`, `1` and `2` or the like.
    ///
    /// @param textual whether they hold text, or else numbers
    Optional<List<String>> twins(boolean textual) {
        Map<String, List<String>> byStem = new LinkedHashMap<>();
        for (ColumnFacts column : facts.values()) {
            Matcher name = NUMBERED.matcher(ColumnWords.normal(column.name()));
            boolean fits = textual ? isTextual(column) : column.kind() == ColumnFacts.Kind.NUMBER;
            if (fits && name.matches() && !name.group(1).isEmpty()) {
                byStem.computeIfAbsent(name.group(1), _ -> new ArrayList<>()).add(column.name());
            }
        }
        List<Map.Entry<String, List<String>>> pairs =
                byStem.entrySet().stream()
                        .filter(e -> isStem(e.getKey(), textual))
                        .filter(e -> e.getValue().size() > 1)
                        .toList();
        if (pairs.size() > 1) { // models beside their answers
            pairs = pairs.stream().filter(e -> !OPTIONS.contains(e.getKey())).toList();
        }
        return pairs.size() == 1 && pairs.getFirst().getValue().size() == 2
                ? Optional.of(pairs.getFirst().getValue())
                : Optional.empty();
    }

    private static boolean isStem(String stem, boolean textual) {
        return ColumnWords.within(stem)
                        .contains(textual ? ColumnRole.COMPLETION : ColumnRole.RATING)
                || textual && OPTIONS.contains(stem);
    }

    /// The ending of a twin's name, such as `a`.
    static String ending(String column) {
        Matcher name = NUMBERED.matcher(ColumnWords.normal(column));
        return name.matches() ? name.group(2) : "";
    }

    /// Whether the name says how good something is, and not how sure somebody was.
    private static boolean rates(ColumnFacts column) {
        return ColumnWords.within(column.name()).contains(ColumnRole.RATING)
                && !ColumnWords.has(column.name(), "certainty");
    }

    /// Whether most rows have a number or mark that no other has.
    boolean countsRows(ColumnFacts column) {
        boolean number =
                column.kind() == ColumnFacts.Kind.NUMBER || column.kind() == ColumnFacts.Kind.MARK;
        return number && column.different() > FILLED * table.rows().size();
    }

    /// Whether nothing is lost without the column, and its content can't change what rows mean.
    boolean isIdle(String column) {
        ColumnFacts own = facts.get(column);
        if (roles(own).contains(ColumnRole.IGNORE)) {
            return !own.judges() || own.isBare();
        }
        if (roles(own).equals(EnumSet.of(ColumnRole.GROUP)) && own.words() == 1) {
            return true; // a conversation's identity
        }
        return switch (own.kind()) {
                    case EMPTY, MARK -> true;
                    case NUMBER ->
                            (!own.isScale()
                                            || ColumnWords.has(column, "count")
                                            || ColumnWords.isClass(column) && isSorted(own))
                                    && !rates(own)
                                    && (!ColumnWords.strong(column).contains(ColumnRole.LABEL)
                                            || isSorted(own))
                                    && !ColumnWords.strong(column).contains(ColumnRole.RANK);
                    case CATEGORY -> !own.judges() && ColumnWords.strong(column).isEmpty();
                    case NESTED -> holdsMarks(own);
                    case TEXT, MESSAGES -> false;
                }
                || own.different() == 1 && own.filled() > 0.99;
    }
}
