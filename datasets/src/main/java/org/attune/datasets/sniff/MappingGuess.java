package org.attune.datasets.sniff;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/// Finds out what a table's columns are for, by their names and by what they hold. A table that can
/// be read in two ways is refused with the options that settle it.
public final class MappingGuess {
    private static final double QUESTIONS = 0.6;
    private static final double NO_QUESTIONS = 0.15;
    private static final int PROSE = 10;
    private static final Set<ColumnRole> DIALOGUE =
            EnumSet.of(
                    ColumnRole.PROMPT,
                    ColumnRole.COMPLETION,
                    ColumnRole.CHOSEN,
                    ColumnRole.REJECTED);

    private final SniffedTable table;
    private final ColumnCandidates columns;
    private final Map<ColumnRole, List<String>> roles = new EnumMap<>(ColumnRole.class);
    private final Set<String> taken = new LinkedHashSet<>();
    private final List<String> notes = new ArrayList<>();

    private MappingGuess(SniffedTable table, Set<String> without) {
        this.table = table;
        columns = new ColumnCandidates(table, without);
    }

    /// The mapping of a table.
    ///
    /// @param without columns that are to be left out
    /// @throws UnclearTableException if the table can be read in several ways, or in none
    public static TableMapping of(SniffedTable table, Set<String> without) {
        return new MappingGuess(table, without).guess();
    }

    /// The mapping that options say; all other columns are left out.
    ///
    /// @param given columns by role
    /// @throws UnclearTableException if they make no rows
    public static TableMapping given(SniffedTable table, Map<ColumnRole, List<String>> given) {
        var guess = new MappingGuess(table, Set.of());
        given.forEach((role, names) -> names.forEach(name -> guess.take(role, name)));
        TableMapping.Kind kind = guess.kindOfRoles();
        return MappingCheck.checked(table, guess.columns, guess.mapping(kind));
    }

    private TableMapping.Kind kindOfRoles() {
        boolean prompt = has(ColumnRole.PROMPT);
        if (has(ColumnRole.MESSAGES)) {
            return TableMapping.Kind.CHAT;
        }
        if (has(ColumnRole.CHOSEN) && has(ColumnRole.REJECTED)) {
            return TableMapping.Kind.PAIR;
        }
        int answers = roles.getOrDefault(ColumnRole.COMPLETION, List.of()).size();
        if (prompt && answers == 2 && has(ColumnRole.WINNER)) {
            return TableMapping.Kind.JUDGED_PAIR;
        }
        if (prompt && answers == 1) {
            return has(ColumnRole.LABEL)
                    ? TableMapping.Kind.LABELLED
                    : has(ColumnRole.RATING)
                            ? TableMapping.Kind.RATED
                            : TableMapping.Kind.INSTRUCTION;
        }
        if (has(ColumnRole.TEXT) && roles.size() == 1) {
            return TableMapping.Kind.TEXT;
        }
        throw unclear("the options name no rows that can be trained on");
    }

    private boolean has(ColumnRole role) {
        return roles.containsKey(role);
    }

    private void take(ColumnRole role, String column) {
        roles.computeIfAbsent(role, _ -> new ArrayList<>()).add(column);
        taken.add(column);
    }

    private TableMapping mapping(TableMapping.Kind kind) {
        List<String> ignored = table.columns().stream().filter(c -> !taken.contains(c)).toList();
        return new TableMapping(kind, roles, notes, ignored);
    }

    private TableMapping guess() {
        TableMapping.Kind kind = kind();
        extras(kind);
        leftovers(kind);
        return MappingCheck.checked(table, columns, mapping(kind));
    }

    private TableMapping.Kind kind() {
        if (messageRows()) {
            return TableMapping.Kind.CHAT_ROWS;
        }
        if (pairs()) {
            return TableMapping.Kind.PAIR;
        }
        if (judgedPairs()) {
            return TableMapping.Kind.JUDGED_PAIR;
        }
        if (chat()) {
            return TableMapping.Kind.CHAT;
        }
        if (answers()) {
            return judged();
        }
        if (text()) {
            return TableMapping.Kind.TEXT;
        }
        throw unclear("the columns don't say which is which");
    }

    private boolean messageRows() {
        Optional<String> role = columns.speaker();
        if (role.isEmpty()) {
            return false;
        }
        List<String> groups = columns.conversations();
        List<String> texts =
                columns.columns().stream()
                        .filter(c -> !c.equals(role.get()) && !groups.contains(c))
                        .filter(c -> columns.facts(c).kind() == ColumnFacts.Kind.TEXT)
                        .toList();
        List<String> named =
                columns.strong(ColumnRole.TEXT).stream().filter(texts::contains).toList();
        if (named.size() == 1) {
            texts = named;
        }
        if (groups.size() != 1 || texts.size() != 1) {
            throw unclear(
                    "column \"%s\" says who speaks, and it isn't clear which columns hold the conversation and the message"
                            .formatted(role.get()));
        }
        take(ColumnRole.ROLE, role.get());
        take(ColumnRole.GROUP, groups.getFirst());
        take(ColumnRole.TEXT, texts.getFirst());
        return true;
    }

    private boolean pairs() {
        List<String> rejected = columns.strong(ColumnRole.REJECTED);
        List<String> chosen = new ArrayList<>(columns.strong(ColumnRole.CHOSEN));
        if (chosen.isEmpty() && !rejected.isEmpty()) {
            chosen.addAll(columns.strong(ColumnRole.COMPLETION));
        }
        if (rejected.isEmpty() || chosen.isEmpty()) {
            return false;
        }
        if (rejected.size() > 1 || chosen.size() > 1) {
            throw unclear(
                    "several columns may be the better or the worse answer: "
                            + quoted(chosen)
                            + "; "
                            + quoted(rejected));
        }
        take(ColumnRole.CHOSEN, chosen.getFirst());
        take(ColumnRole.REJECTED, rejected.getFirst());
        Optional<String> prompt = columns.only(ColumnRole.PROMPT, taken);
        prompt.ifPresent(column -> take(ColumnRole.PROMPT, column));
        boolean whole = columns.facts(chosen.getFirst()).kind() == ColumnFacts.Kind.MESSAGES;
        if (prompt.isEmpty() && !whole) {
            throw unclear("a better and a worse answer are there, and no question");
        }
        return true;
    }

    private boolean judgedPairs() {
        Optional<List<String>> twins = columns.twins(true);
        Optional<String> prompt = columns.only(ColumnRole.PROMPT, Set.of());
        if (twins.isEmpty() || prompt.isEmpty() || twins.get().contains(prompt.get())) {
            return false;
        }
        Optional<List<String>> scores = columns.twins(false);
        List<String> winners =
                columns.strong(ColumnRole.WINNER).stream()
                        .filter(c -> !twins.get().contains(c))
                        .toList();
        if (winners.size() != 1 && scores.isEmpty()) {
            throw unclear("two answers are there, and nothing says which is better");
        }
        twins.get().forEach(column -> take(ColumnRole.COMPLETION, column));
        take(ColumnRole.PROMPT, prompt.get());
        if (winners.size() == 1) {
            take(ColumnRole.WINNER, winners.getFirst());
        } else {
            scores.get().forEach(column -> take(ColumnRole.RATING, column));
        }
        return true;
    }

    private boolean chat() {
        List<String> chats =
                columns.columns().stream()
                        .filter(c -> columns.facts(c).kind() == ColumnFacts.Kind.MESSAGES)
                        .toList();
        if (chats.isEmpty()) {
            return false;
        }
        if (chats.size() == 2
                && columns.strong(ColumnRole.PROMPT).equals(chats.subList(0, 1))
                && columns.strong(ColumnRole.COMPLETION).equals(chats.subList(1, 2))) {
            return false; // a question and its answer, each as messages
        }
        List<String> named = columns.strong(ColumnRole.MESSAGES);
        if (chats.size() > 1 && named.size() != 1) {
            throw unclear("several columns hold conversations: " + quoted(chats));
        }
        String chat = chats.size() == 1 ? chats.getFirst() : named.getFirst();
        if (columns.strong(ColumnRole.COMPLETION).stream().anyMatch(c -> !c.equals(chat))) {
            throw unclear(
                    "column \"%s\" holds conversations, and %s looks like answers"
                            .formatted(chat, quoted(columns.strong(ColumnRole.COMPLETION))));
        }
        take(ColumnRole.MESSAGES, chat);
        return true;
    }

    private boolean answers() {
        List<String> answers = new ArrayList<>(columns.strong(ColumnRole.COMPLETION));
        List<String> prompts = columns.strong(ColumnRole.PROMPT);
        if (answers.isEmpty()) {
            answers.addAll(columns.weak(ColumnRole.COMPLETION));
        }
        if (answers.isEmpty()) {
            answers.addAll(columns.strong(ColumnRole.CHOSEN));
        }
        if (answers.size() > 1) {
            throw unclear("several columns may be the answer: " + quoted(answers));
        }
        if (prompts.size() > 1) {
            throw unclear("several columns may be the question: " + quoted(prompts));
        }
        Set<String> answer = Set.copyOf(answers);
        Optional<String> prompt = columns.only(ColumnRole.PROMPT, answer);
        if (answers.isEmpty() || prompt.isEmpty()) {
            return byQuestions(prompt, answers);
        }
        take(ColumnRole.PROMPT, prompt.get());
        take(ColumnRole.COMPLETION, answers.getFirst());
        return true;
    }

    /// Where a name is missing: of two columns of text one holds questions and the other none, or
    /// one has a name and nothing else is left for the other.
    private boolean byQuestions(Optional<String> prompt, List<String> answers) {
        List<String> texts =
                columns.columns().stream()
                        .filter(c -> columns.facts(c).kind() == ColumnFacts.Kind.TEXT)
                        .toList();
        if (texts.size() != 2) {
            return false;
        }
        String first = texts.get(0);
        String second = texts.get(1);
        for (List<String> order : List.of(List.of(first, second), List.of(second, first))) {
            ColumnFacts asks = columns.facts(order.get(0));
            ColumnFacts tells = columns.facts(order.get(1));
            boolean agrees =
                    (prompt.isEmpty() || prompt.get().equals(asks.name()))
                            && (answers.isEmpty() || answers.getFirst().equals(tells.name()));
            agrees &= isFree(asks.name(), ColumnRole.PROMPT);
            agrees &= isFree(tells.name(), ColumnRole.COMPLETION);
            if (agrees && asks.questions() >= QUESTIONS && tells.questions() <= NO_QUESTIONS) {
                take(ColumnRole.PROMPT, asks.name());
                take(ColumnRole.COMPLETION, tells.name());
                notes.add(
                        "%.0f %% of column \"%s\" end with a question mark, and %.0f %% of \"%s\""
                                .formatted(
                                        100 * asks.questions(),
                                        asks.name(),
                                        100 * tells.questions(),
                                        tells.name()));
                return true;
            }
        }
        return false;
    }

    /// Whether the name says nothing, or this. A title and a body may both be of the question.
    private static boolean isFree(String name, ColumnRole role) {
        return !ColumnWords.isKnown(name) || ColumnWords.strong(name).contains(role);
    }

    /// What says how good the answers are.
    private TableMapping.Kind judged() {
        List<String> labels = free(columns.strong(ColumnRole.LABEL));
        if (labels.isEmpty()) {
            labels =
                    free(List.copyOf(columns.columns())).stream()
                            .filter(c -> columns.facts(c).judges() && !columns.facts(c).isBare())
                            .toList();
        }
        List<String> ratings = free(columns.strong(ColumnRole.RATING));
        List<String> ranks = free(columns.strong(ColumnRole.RANK));
        if (labels.isEmpty() && ratings.size() == 1 && columns.facts(ratings.getFirst()).judges()) {
            labels = ratings; // 0 and 1
            ratings = List.of();
        }
        if (labels.size() + ratings.size() + ranks.size() > 1) {
            throw unclear(
                    "several columns may say how good an answer is: "
                            + quoted(labels)
                            + " "
                            + quoted(ratings)
                            + " "
                            + quoted(ranks));
        }
        if (labels.size() == 1) {
            take(ColumnRole.LABEL, labels.getFirst());
            return TableMapping.Kind.LABELLED;
        }
        if (ratings.size() == 1) {
            take(ColumnRole.RATING, ratings.getFirst());
            return TableMapping.Kind.RATED;
        }
        if (ranks.size() == 1) {
            take(ColumnRole.RANK, ranks.getFirst());
            return TableMapping.Kind.RATED;
        }
        return TableMapping.Kind.INSTRUCTION;
    }

    private List<String> free(List<String> names) {
        return names.stream().filter(c -> !taken.contains(c)).toList();
    }

    private boolean text() {
        List<String> texts =
                columns.columns().stream()
                        .filter(c -> columns.facts(c).kind() == ColumnFacts.Kind.TEXT)
                        .filter(c -> !ColumnWords.strong(c).contains(ColumnRole.IGNORE))
                        .toList();
        List<String> named =
                columns.strong(ColumnRole.TEXT).stream().filter(texts::contains).toList();
        List<String> could =
                named.size() == 1 ? named : texts.stream().filter(this::isProse).toList();
        if (could.size() != 1) {
            return false;
        }
        if (ColumnWords.isInput(could.getFirst())) {
            return false; // of a table without outputs
        }
        if (columns.columns().stream().anyMatch(c -> isOfDialogue(c, could.getFirst()))) {
            return false;
        }
        String text = could.getFirst();
        columns.columns().stream()
                .filter(c -> !c.equals(text) && ColumnWords.isClass(c))
                .filter(c -> columns.facts(c).kind() == ColumnFacts.Kind.CATEGORY)
                .findFirst()
                .ifPresent(
                        c -> {
                            throw unclear(
                                    "column \"%s\" sorts texts into classes, which no method here learns"
                                            .formatted(c));
                        });
        take(ColumnRole.TEXT, text);
        return true;
    }

    /// Whether a column without a name for texts holds them, rather than titles or addresses.
    private boolean isProse(String column) {
        ColumnFacts facts = columns.facts(column);
        return columns.columns().size() == 1 || facts.words() >= PROSE || facts.letters() >= 60;
    }

    /// Whether a column is about questions or answers, so that a table of it is no plain text.
    private boolean isOfDialogue(String column, String text) {
        ColumnFacts.Kind kind = columns.facts(column).kind();
        boolean says =
                column.equals(text)
                        || kind == ColumnFacts.Kind.TEXT
                        || kind == ColumnFacts.Kind.NUMBER;
        return says && !Collections.disjoint(DIALOGUE, ColumnWords.within(column));
    }

    /// System prompts and what questions are about.
    private void extras(TableMapping.Kind kind) {
        if (kind == TableMapping.Kind.TEXT
                || kind == TableMapping.Kind.CHAT
                || kind == TableMapping.Kind.CHAT_ROWS) {
            return;
        }
        List<String> systems = free(columns.strong(ColumnRole.SYSTEM));
        if (systems.size() == 1) {
            take(ColumnRole.SYSTEM, systems.getFirst());
        }
        List<String> contexts = new ArrayList<>(free(columns.strong(ColumnRole.CONTEXT)));
        if (contexts.isEmpty()) {
            free(List.copyOf(columns.columns())).stream()
                    .filter(c -> ColumnWords.normal(c).equals("input"))
                    .forEach(contexts::add);
        }
        if (contexts.size() == 1) {
            take(ColumnRole.CONTEXT, contexts.getFirst());
        }
    }

    /// Columns that are left must be of no weight.
    private void leftovers(TableMapping.Kind kind) {
        boolean pairs = kind == TableMapping.Kind.PAIR || kind == TableMapping.Kind.JUDGED_PAIR;
        List<String> loud =
                free(List.copyOf(columns.columns())).stream()
                        .filter(c -> !columns.isIdle(c) && !repeats(c))
                        .filter(c -> !pairs || columns.facts(c).kind() != ColumnFacts.Kind.NUMBER)
                        .toList();
        if (!loud.isEmpty()) {
            String with = mapping(kind).options();
            throw unclear(
                    "it isn't clear what %s hold%s"
                            .formatted(quoted(loud), loud.size() == 1 ? "s" : ""),
                    "to leave %s out: %s"
                            .formatted(
                                    loud.size() == 1 ? "it" : "them",
                                    loud.stream()
                                            .map(c -> "--ignore " + TableMapping.quoted(c))
                                            .collect(Collectors.joining(" "))),
                    "this would be taken: " + with);
        }
    }

    private boolean repeats(String column) {
        Optional<String> what = new Repetition(table, roles).of(column);
        what.ifPresent(notes::add);
        return what.isPresent();
    }

    private static String quoted(List<String> names) {
        return names.stream().map(n -> "\"" + n + "\"").collect(Collectors.joining(", "));
    }

    private UnclearTableException unclear(String why, String... advice) {
        return MappingCheck.unclear(table, why, advice);
    }
}
