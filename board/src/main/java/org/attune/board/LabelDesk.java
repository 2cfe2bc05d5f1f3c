package org.attune.board;

import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.attune.error.ConfigException;
import org.attune.json.Json;
import org.attune.reports.page.RunView;
import org.attune.serve.ApiException;
import org.attune.serve.Call;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/// Finds answers to judge, two to a prompt: in a file of rows, or in a recorded round of a run.
/// Which of the two stands first is drawn from their text, so that no side is always the same one.
final class LabelDesk {
    private static final int MOST = 200; // at a time
    private static final List<String> LISTS = List.of("completions", "answers", "responses");

    private static final Pattern PICTURE =
            Pattern.compile("\"type\": ?\"(image|image_url|input_image)\"");

    private final RunIndex index;
    private final PairFile pairs;
    private final Optional<Path> file;

    LabelDesk(RunIndex index, PairFile pairs, Optional<Path> file) {
        this.index = index;
        this.pairs = pairs;
        this.file = file;
    }

    /// What is judged.
    ///
    /// @param prompt a text or messages, as the answers
    private record Question(Object prompt, Object first, Object second) {
        @SuppressWarnings("ArgumentSelectionDefectChecker") // they change sides on purpose
        Question mixed() {
            String text = Json.write(first) + Json.write(second);
            return text.hashCode() % 2 == 0 ? this : new Question(prompt, second, first);
        }

        Map<String, Object> fields() {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("prompt", prompt);
            fields.put("first", first);
            fields.put("second", second);
            return fields;
        }
    }

    /// `GET /api/label`, or with `?run=ID&step=N` of that round.
    void questions(Call call) throws ApiException, IOException {
        Optional<String> run = call.query("run");
        List<Question> all = run.isPresent() ? ofRun(index.of(run.get()), call) : ofFile();
        List<Question> open =
                all.stream()
                        .filter(q -> !pairs.isJudged(q.prompt(), q.first(), q.second()))
                        .toList();
        Map<String, Object> told = new LinkedHashMap<>(pairs.counts());
        told.put("open", open.size());
        told.put("all", all.size());
        told.put("questions", open.stream().limit(MOST).map(q -> q.mixed().fields()).toList());
        call.json(told);
    }

    private static List<Question> ofRun(RunIndex.Entry run, Call call)
            throws ApiException, IOException {
        String step = call.query("step").orElse("");
        if (!step.matches("\\d{1,9}")) {
            throw ApiException.bad("step", "a step is a number, as 10");
        }
        Map<Object, List<Object>> answers = new LinkedHashMap<>();
        try {
            for (Row row : RunView.recorded(run.folder(), Integer.parseInt(step))) {
                if (RunView.hasPictures(row)) {
                    throw new ApiException(
                            409,
                            "pictures",
                            ("the prompts of step %s have pictures, of which the run keeps small"
                                            + " copies only: pairs of its answers couldn't be"
                                            + " trained on")
                                    .formatted(step));
                }
                answers.computeIfAbsent(row.get("prompt"), _ -> new ArrayList<>())
                        .add(row.get("completion"));
            }
        } catch (NoSuchFileException e) {
            throw new ApiException(404, "not_found", "the run recorded no " + e.getMessage());
        }
        List<Question> questions = new ArrayList<>();
        answers.forEach((prompt, some) -> questions.addAll(pairs(prompt, some)));
        return questions;
    }

    private List<Question> ofFile() throws ApiException {
        Path rows =
                file.orElseThrow(
                        () ->
                                new ApiException(
                                        404,
                                        "no_answers",
                                        "the board has no file of answers; start it with --label"
                                            + " FILE, or judge a round of a run from its page"));
        List<Question> questions = new ArrayList<>();
        for (Row row : RowFiles.readAll(rows)) {
            questions.addAll(pairs(prompt(row), answers(row)));
        }
        return questions;
    }

    private static Object prompt(Row row) {
        if (row.get("prompt") == null) {
            throw new ConfigException(
                    row.origin().where()
                            + ": \"prompt\" is missing; to judge answers, each row has"
                            + " one");
        }
        if (row.has("image")
                || row.has("images")
                || PICTURE.matcher(Json.write(row.get("prompt"))).find()) {
            throw new ConfigException(
                    row.origin().where()
                            + ": the row has pictures, which aren't shown here, and which pairs"
                            + " would lose; answers to texts can be judged");
        }
        return row.get("prompt");
    }

    private static List<Object> answers(Row row) {
        if (row.has("chosen") && row.has("rejected")) {
            return List.of(row.get("chosen"), row.get("rejected"));
        }
        for (String name : LISTS) {
            if (row.get(name) instanceof List<?> list && list.size() >= 2) {
                return new ArrayList<>(list);
            }
        }
        throw new ConfigException(
                "%s: no two answers; accepted: a list %s, or \"chosen\" and \"rejected\""
                        .formatted(row.origin().where(), String.join(", ", LISTS)));
    }

    /// Neighbours, so that no answer is judged twice.
    private static List<Question> pairs(Object prompt, List<Object> answers) {
        List<Object> different = answers.stream().distinct().toList();
        List<Question> questions = new ArrayList<>();
        for (int i = 0; i + 1 < different.size(); i += 2) {
            boolean isText = prompt instanceof String && different.get(i) instanceof String;
            boolean isChat = prompt instanceof List<?>;
            if (isText || isChat) {
                questions.add(
                        new Question(
                                prompt,
                                said(isChat, different.get(i)),
                                said(isChat, different.get(i + 1))));
            }
        }
        return questions;
    }

    /// An answer in the form of its prompt.
    private static Object said(boolean isChat, Object answer) {
        return isChat && answer instanceof String text
                ? List.of(Map.of("role", "assistant", "content", text))
                : answer;
    }
}
