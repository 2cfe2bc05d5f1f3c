package org.attune.board;

import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.SampleReader;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.json.Json;
import org.attune.reports.page.RunView;
import org.attune.serve.ApiException;
import org.attune.serve.Call;
import org.attune.text.Message;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/// Finds answers to judge, two to a prompt: in a file of rows, or in a recorded round of a run.
/// Which of the two stands first is drawn from their text, so that no side is always the same one.
final class LabelDesk {
    private static final int MOST = 200; // at a time
    private static final List<String> LISTS = List.of("completions", "answers", "responses");

    private final RunIndex index;
    private final PairFile pairs;
    private final LabelPictures pictures;
    private final Optional<Path> file;

    LabelDesk(RunIndex index, PairFile pairs, LabelPictures pictures, Optional<Path> file) {
        this.index = index;
        this.pairs = pairs;
        this.pictures = pictures;
        this.file = file;
    }

    /// What is judged.
    ///
    /// @param prompt a text or messages, in which pictures are such; as the answers
    private record Question(Object prompt, Object first, Object second) {
        @SuppressWarnings("ArgumentSelectionDefectChecker") // they change sides on purpose
        Question mixed() {
            String text =
                    Json.write(LabelPictures.kept(first)) + Json.write(LabelPictures.kept(second));
            return text.hashCode() % 2 == 0 ? this : new Question(prompt, second, first);
        }

        boolean isOpen(PairFile pairs) {
            return !pairs.isJudged(
                    LabelPictures.kept(prompt),
                    LabelPictures.kept(first),
                    LabelPictures.kept(second));
        }

        Map<String, Object> columns() {
            Map<String, Object> columns = new LinkedHashMap<>();
            columns.put("prompt", prompt);
            columns.put("chosen", first);
            columns.put("rejected", second);
            return columns;
        }

        Map<String, Object> fields(LabelPictures pictures) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("prompt", pictures.told(prompt));
            fields.put("first", pictures.told(first));
            fields.put("second", pictures.told(second));
            return fields;
        }
    }

    /// Questions of a file or a round. Those with pictures that can't be read are faults instead.
    private final class Asked {
        final List<Question> open = new ArrayList<>();
        final List<String> faults = new ArrayList<>();
        int all;

        /// @throws DatasetException if bytes that stand in a row are no picture; none is added then
        void add(List<Question> some) {
            open.addAll(some.stream().filter(q -> q.isOpen(pairs)).toList());
            all += some.size();
        }
    }

    /// `GET /api/label`, or with `?run=ID&step=N` of that round.
    void questions(Call call) throws ApiException, IOException {
        Optional<String> run = call.query("run");
        Asked asked = run.isPresent() ? ofRun(index.of(run.get()), call) : ofFile();
        Map<String, Object> told = new LinkedHashMap<>(pairs.counts());
        told.put("open", asked.open.size());
        told.put("all", asked.all);
        told.put("faults", asked.faults);
        told.put(
                "questions",
                asked.open.stream().limit(MOST).map(q -> q.mixed().fields(pictures)).toList());
        call.json(told);
    }

    private Asked ofRun(RunIndex.Entry run, Call call) throws ApiException, IOException {
        String step = call.query("step").orElse("");
        if (!step.matches("\\d{1,9}")) {
            throw ApiException.bad("step", "a step is a number, as 10");
        }
        Map<Object, List<Object>> answers = new LinkedHashMap<>();
        try {
            for (Row row : RunView.recorded(run.folder(), Integer.parseInt(step))) {
                if (RunView.lacksPictures(row)) {
                    throw new ApiException(
                            409,
                            "pictures",
                            ("the prompts of step %s have pictures of which the run has small"
                                            + " copies, but no file that is as it was: pairs of"
                                            + " its answers couldn't be trained on")
                                    .formatted(step));
                }
                answers.computeIfAbsent(row.get("prompt"), _ -> new ArrayList<>())
                        .add(row.get("completion"));
            }
        } catch (NoSuchFileException e) {
            throw new ApiException(404, "not_found", "the run recorded no " + e.getMessage());
        }
        Asked asked = new Asked();
        answers.forEach((prompt, some) -> asked.add(pairs(prompt, some)));
        return asked;
    }

    private Asked ofFile() throws ApiException {
        Path rows =
                file.orElseThrow(
                        () ->
                                new ApiException(
                                        404,
                                        "no_answers",
                                        "the board has no file of answers; start it with --label"
                                            + " FILE, or judge a round of a run from its page"));
        Asked asked = new Asked();
        for (Row row : RowFiles.readAll(rows)) {
            try {
                asked.add(
                        pairs(prompt(row), answers(row)).stream()
                                .map(q -> hasParts(row, q) ? shown(row, q) : q)
                                .toList());
            } catch (DatasetException e) {
                asked.faults.add(e.getMessage());
            }
        }
        return asked;
    }

    private static Object prompt(Row row) {
        if (row.get("prompt") == null) {
            throw new ConfigException(
                    row.origin().where()
                            + ": \"prompt\" is missing; to judge answers, each row has"
                            + " one");
        }
        return row.get("prompt");
    }

    private static boolean hasParts(Row row, Question question) {
        return row.has("image")
                || row.has("images")
                || Stream.of(question.prompt(), question.first(), question.second())
                        .flatMap(value -> value instanceof List<?> turns ? turns.stream() : null)
                        .anyMatch(
                                turn ->
                                        turn instanceof Map<?, ?> fields
                                                && fields.get("content") instanceof List<?>);
    }

    /// The question with the row's pictures where a run of DPO has them.
    private static Question shown(Row row, Question question) {
        Map<String, Object> columns = new LinkedHashMap<>(question.columns());
        columns.put("image", row.get("image"));
        columns.put("images", row.get("images"));
        Sample read =
                new SampleReader(DatasetType.PREFERENCE, true).seeing().read(row.with(columns));
        var pair = (Sample.Preference) read;
        return new Question(turns(pair.prompt()), turns(pair.chosen()), turns(pair.rejected()));
    }

    private static Object turns(Content content) {
        return switch (content) {
            case Content.Text(String text) -> text;
            case Content.Turns(List<Message> messages) ->
                    messages.stream().map(Message::fields).toList();
        };
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
