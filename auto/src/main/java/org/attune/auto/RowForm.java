package org.attune.auto;

import org.attune.datasets.formats.Transcript;
import org.attune.datasets.rows.Row;
import org.attune.error.DatasetException;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// How a table's row is written as one of TRL's.
///
/// @param chat whether as messages, or else as plain text
/// @param choices of multiple-choice questions
record RowForm(TableMapping mapping, boolean chat, Optional<ChoiceAnswers> choices) {
    /// A row.
    ///
    /// @param key what rows that belong together share
    record Made(String key, Map<String, Object> row) {}

    /// Rows of a method.
    record Batch(String method, List<Made> rows, List<String> notes) {}

    Batch each(List<Row> rows) {
        List<Made> made = new ArrayList<>();
        int empty = 0;
        int ties = 0;
        for (Row row : rows) {
            if (mapping.kind() == TableMapping.Kind.JUDGED_PAIR && isTie(row)) {
                ties++;
                continue;
            }
            Optional<Made> one = one(row);
            one.ifPresent(made::add);
            empty += one.isEmpty() ? 1 : 0;
        }
        List<String> notes = new ArrayList<>();
        count(notes, "rows without a needed value", empty);
        count(notes, "rows in which neither answer is better", ties);
        long plain = choices.map(c -> rows.stream().filter(r -> !c.isThere(r)).count()).orElse(0L);
        count(notes, "rows without choices, whose answer is learned as it is", (int) plain);
        return new Batch(mapping.kind().method(), made, notes);
    }

    static void count(List<String> notes, String what, int n) {
        if (n > 0) {
            notes.add("%s: %d".formatted(what, n));
        }
    }

    private Optional<Made> one(Row row) {
        return switch (mapping.kind()) {
            case TEXT ->
                    cell(row, ColumnRole.TEXT)
                            .map(text -> new Made(text, Map.<String, Object>of("text", text)));
            case CHAT -> chatRow(row);
            case INSTRUCTION ->
                    spoken(row).flatMap(answer -> asked(row, Map.of("completion", answer)));
            case CLASSES ->
                    cell(row, ColumnRole.COMPLETION)
                            .flatMap(name -> asked(row, Map.of("completion", answer(name))));
            case CHOICES ->
                    chosen(row).flatMap(text -> asked(row, Map.of("completion", answer(text))));
            case LABELLED -> labelled(row);
            case PAIR -> pair(row);
            case JUDGED_PAIR -> judged(row);
            case RATED, CHAT_ROWS ->
                    throw new IllegalStateException("rows that are made of several");
        };
    }

    private Optional<String> cell(Row row, ColumnRole role) {
        return MappedRows.text(row, mapping.column(role));
    }

    private Optional<Made> chatRow(Row row) {
        return mapping.column(ColumnRole.MESSAGES)
                .map(row::get)
                .flatMap(ChatCell::of)
                .filter(m -> m.stream().anyMatch(t -> t.get("role").equals("assistant")))
                .map(messages -> conversation(messages));
    }

    private Made conversation(List<Map<String, Object>> messages) {
        String key =
                messages.stream()
                        .filter(m -> !m.get("role").equals("system"))
                        .map(m -> String.valueOf(m.get("content")))
                        .findFirst()
                        .orElse("");
        return new Made(key, chat ? Map.of("messages", messages) : Map.of("text", plain(messages)));
    }

    private static String plain(List<Map<String, Object>> messages) {
        var text = new StringBuilder();
        messages.forEach(
                m -> text.append(m.get("role")).append(": ").append(m.get("content")).append('\n'));
        return text.toString();
    }

    /// Messages that follow each other, by their conversation.
    Batch grouped(List<Row> rows) {
        Map<String, List<Map<String, Object>>> chats = new LinkedHashMap<>();
        boolean answers = systemAnswers(rows);
        int empty = 0;
        for (Row row : rows) {
            Optional<String> group = cell(row, ColumnRole.GROUP);
            Optional<String> text = cell(row, ColumnRole.TEXT);
            Optional<String> role =
                    mapping.column(ColumnRole.ROLE).map(row::get).flatMap(Transcript::role);
            if (group.isEmpty() || text.isEmpty() || role.isEmpty()) {
                empty++;
                continue;
            }
            chats.computeIfAbsent(group.get(), _ -> new ArrayList<>())
                    .add(
                            Transcript.message(
                                    answers && role.get().equals("system")
                                            ? "assistant"
                                            : role.get(),
                                    text.get()));
        }
        long greeted = chats.values().stream().filter(RowForm::withoutGreeting).count();
        List<List<Map<String, Object>>> answered =
                chats.values().stream()
                        .filter(c -> c.stream().anyMatch(m -> m.get("role").equals("assistant")))
                        .toList();
        List<Made> made =
                answered.stream().filter(Transcript::takeTurns).map(this::conversation).toList();
        if (made.size() < answered.size() / 2) {
            throw new DatasetException(
                    "in %d of %d conversations user and assistant don't take turns, the user first; sort the messages from the first to the last, and give branches conversations of their own"
                            .formatted(answered.size() - made.size(), answered.size()));
        }
        List<String> notes = new ArrayList<>();
        count(notes, "messages without speaker, text or conversation", empty);
        count(notes, "greetings of the assistant that were left out", (int) greeted);
        count(notes, "conversations without an answer", chats.size() - answered.size());
        count(notes, "conversations that don't take turns", answered.size() - made.size());
        return new Batch("sft", made, notes);
    }

    /// Whether a dialogue system speaks: there is no other who answers, and it does so again and
    /// again.
    private boolean systemAnswers(List<Row> rows) {
        List<String> roles =
                rows.stream()
                        .flatMap(
                                r ->
                                        mapping
                                                .column(ColumnRole.ROLE)
                                                .map(r::get)
                                                .flatMap(Transcript::role)
                                                .stream())
                        .toList();
        long groups = rows.stream().map(r -> cell(r, ColumnRole.GROUP)).distinct().count();
        long system = roles.stream().filter("system"::equals).count();
        return !roles.contains("assistant") && system >= 2 * groups;
    }

    /// Takes away what the assistant says before a user does, which answers nothing.
    private static boolean withoutGreeting(List<Map<String, Object>> messages) {
        int first = "system".equals(messages.getFirst().get("role")) ? 1 : 0;
        boolean greets =
                messages.size() > first + 1
                        && "assistant".equals(messages.get(first).get("role"))
                        && "user".equals(messages.get(first + 1).get("role"));
        if (greets) {
            messages.remove(first);
        }
        return greets;
    }

    /// The answer; one that is written as messages must be one of the assistant's.
    private Optional<Object> spoken(Row row) {
        Optional<List<Map<String, Object>>> messages =
                mapping.column(ColumnRole.COMPLETION).map(row::get).flatMap(ChatCell::of);
        if (messages.isEmpty()) {
            return mapping.column(ColumnRole.COMPLETION)
                    .flatMap(column -> TextList.answer(column, row.get(column)))
                    .map(this::answer);
        }
        return messages.filter(m -> m.size() == 1 && m.getFirst().get("role").equals("assistant"))
                .map(m -> answer(String.valueOf(m.getFirst().get("content"))));
    }

    /// What a question is about; a list of texts as paragraphs.
    private Optional<String> about(Row row) {
        return mapping.column(ColumnRole.CONTEXT)
                .map(row::get)
                .flatMap(TextList::of)
                .map(texts -> String.join("\n\n", texts))
                .or(() -> cell(row, ColumnRole.CONTEXT));
    }

    /// The answer as the assistant's message, or behind a line break.
    Object answer(String text) {
        return chat ? List.of(Transcript.message("assistant", text)) : text;
    }

    /// A row that asks the prompt's question; empty if there is none.
    Optional<Made> asked(Row row, Map<String, Object> answers) {
        Object cell = mapping.column(ColumnRole.PROMPT).map(row::get).orElse(null);
        Optional<String> text = cell(row, ColumnRole.PROMPT);
        if (text.isEmpty()) {
            return Optional.empty();
        }
        Optional<String> system = cell(row, ColumnRole.SYSTEM);
        String about = about(row).map(c -> text.get() + "\n" + c).orElse(text.get());
        String question =
                choices.filter(c -> c.isThere(row)).map(c -> c.asked(row, about)).orElse(about);
        Map<String, Object> made = new LinkedHashMap<>();
        if (chat) {
            List<Map<String, Object>> messages = new ArrayList<>();
            system.ifPresent(s -> messages.add(Transcript.message("system", s)));
            ChatCell.of(cell)
                    .ifPresentOrElse(
                            messages::addAll,
                            () -> messages.add(Transcript.message("user", question)));
            made.put("prompt", messages);
        } else {
            made.put("prompt", system.map(s -> s + "\n").orElse("") + question + "\n");
        }
        made.putAll(answers);
        return Optional.of(new Made(text.get(), made));
    }

    /// The right choice; the answer itself where a row has no choices.
    private Optional<String> chosen(Row row) {
        ChoiceAnswers key = choices.orElseThrow();
        return key.isThere(row)
                ? key.answer(row)
                : cell(row, ColumnRole.COMPLETION).filter(said -> !key.isPlace(said));
    }

    private Optional<Made> labelled(Row row) {
        Optional<Boolean> good = cell(row, ColumnRole.LABEL).flatMap(Judgement::of);
        Optional<Object> answer = spoken(row);
        if (good.isEmpty() || answer.isEmpty()) {
            return Optional.empty();
        }
        Map<String, Object> answers = new LinkedHashMap<>();
        answers.put("completion", answer.get());
        answers.put("label", good.get());
        return asked(row, answers);
    }

    private Optional<Made> pair(Row row) {
        Object chosen = mapping.column(ColumnRole.CHOSEN).map(row::get).orElse(null);
        Object rejected = mapping.column(ColumnRole.REJECTED).map(row::get).orElse(null);
        Optional<List<Map<String, Object>>> better = ChatCell.of(chosen);
        Optional<List<Map<String, Object>>> worse = ChatCell.of(rejected);
        if (better.isPresent() && worse.isPresent()) {
            Map<String, Object> answers = new LinkedHashMap<>();
            answers.put("chosen", better.get());
            answers.put("rejected", worse.get());
            Map<String, Object> start = better.get().getFirst();
            if (better.equals(worse)) {
                return Optional.empty();
            }
            if (start.get("role").equals("assistant")) {
                return asked(row, answers);
            }
            return start.equals(worse.get().getFirst()) // else they answer different questions
                    ? Optional.of(new Made(String.valueOf(start), answers))
                    : Optional.empty();
        }
        return paired(row, cell(row, ColumnRole.CHOSEN), cell(row, ColumnRole.REJECTED));
    }

    Optional<Made> paired(Row row, Optional<String> chosen, Optional<String> rejected) {
        if (chosen.isEmpty() || rejected.isEmpty() || chosen.equals(rejected)) {
            return Optional.empty();
        }
        Map<String, Object> answers = new LinkedHashMap<>();
        answers.put("chosen", answer(chosen.get()));
        answers.put("rejected", answer(rejected.get()));
        return asked(row, answers);
    }

    private Optional<Made> judged(Row row) {
        int better = winner(row);
        if (better < 0) {
            return Optional.empty();
        }
        List<String> both = mapping.all(ColumnRole.COMPLETION);
        return paired(
                row,
                MappedRows.text(row, Optional.of(both.get(better))),
                MappedRows.text(row, Optional.of(both.get(1 - better))));
    }

    private boolean isTie(Row row) {
        List<String> scores = mapping.all(ColumnRole.RATING);
        if (scores.size() == 2) {
            return CellKind.number(row.get(scores.get(0)))
                    == CellKind.number(row.get(scores.get(1)));
        }
        return cell(row, ColumnRole.WINNER).filter(Judgement::isTie).isPresent();
    }

    /// 0 or 1; negative if the row doesn't say.
    private int winner(Row row) {
        List<String> scores = mapping.all(ColumnRole.RATING);
        if (scores.size() == 2) {
            double first = CellKind.number(row.get(scores.get(0)));
            double second = CellKind.number(row.get(scores.get(1)));
            return first > second ? 0 : second > first ? 1 : -1;
        }
        return cell(row, ColumnRole.WINNER)
                .map(value -> Judgement.winner(value, mapping.all(ColumnRole.COMPLETION)))
                .orElse(-1);
    }
}
