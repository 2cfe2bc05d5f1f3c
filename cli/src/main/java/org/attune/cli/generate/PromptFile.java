package org.attune.cli.generate;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.formats.SampleReader;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.attune.error.DatasetException;
import org.attune.hash.Sha256;
import org.attune.text.Message;
import org.attune.text.TextAssets;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.prepare.PlainPrompts;
import org.attune.trainers.prepare.PromptPreparation;
import org.attune.trainers.prepare.SampleTokenizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/// Prompts to be completed: rows with a `prompt` (text or messages) or `messages`, or the lines of
/// a text file.
///
/// @param rows as they stand in the file
/// @param prompts token ids of each
record PromptFile(List<Row> rows, List<int[]> prompts) {
    private static final Logger LOG = LoggerFactory.getLogger(PromptFile.class);
    private static final List<String> COLUMNS = List.of("prompt", "messages", "text");

    /// Reads all rows.
    ///
    /// @param file its extension says what it holds
    /// @param system system message before each conversation, or null
    /// @param raw whether texts are continued as they are, without a chat template
    /// @throws DatasetException naming file and line of what is no prompt
    static PromptFile read(Path file, String system, boolean raw, TextAssets text) {
        List<Row> rows = RowFiles.readAll(file);
        boolean chat = !raw && text.template().isPresent();
        var plain = new SampleReader(DatasetType.PROMPT_ONLY, false);
        SampleReader reader = text.images().isPresent() ? plain.seeing() : plain;
        List<Sample> asked = rows.stream().map(row -> sample(row, reader)).toList();
        if (chat && PlainPrompts.count(asked) > 0) {
            LOG.info(
                    "{} prompts are plain text and become a user's message in the chat template;"
                            + " --raw continues them as they are",
                    PlainPrompts.count(asked));
        }
        List<Sample> samples = asked.stream().map(row -> inChat(row, system, chat)).toList();
        var blind = new SampleTokenizer(text.tokenizer(), text.template());
        SampleTokenizer tokenizer = text.images().map(blind::seeing).orElse(blind);
        List<PromptExample> prompts =
                new PromptPreparation(tokenizer, OptionalInt.empty(), BadRowPolicy.ERROR)
                        .prepare(samples, Runtime.getRuntime().availableProcessors())
                        .rows();
        return new PromptFile(rows, prompts.stream().map(PromptExample::ids).toList());
    }

    private static Sample sample(Row row, SampleReader reader) {
        String column =
                COLUMNS.stream()
                        .filter(row::has)
                        .findFirst()
                        .orElseThrow(
                                () ->
                                        new DatasetException(
                                                "%s: the row has %s; accepted: a column prompt or messages"
                                                        .formatted(
                                                                row.origin().where(),
                                                                row.columns().keySet())));
        Map<String, Object> columns = new LinkedHashMap<>(row.columns());
        columns.put("prompt", columns.remove(column));
        return reader.read(row.with(columns));
    }

    private static Sample inChat(Sample asked, String system, boolean chat) {
        var read = (Sample.PromptOnly) asked;
        return new Sample.PromptOnly(content(read, system, chat), read.options(), read.row());
    }

    private static Content content(Sample.PromptOnly row, String system, boolean chat) {
        List<Message> turns =
                switch (row.prompt()) {
                    case Content.Turns(List<Message> given) -> given;
                    case Content.Text(String text) when chat -> List.of(Message.of("user", text));
                    case Content.Text text -> {
                        if (system != null) {
                            throw new DatasetException(
                                    row.row().origin().where()
                                            + ": --system needs a chat template, and a text that"
                                            + " isn't continued as it is (--raw)");
                        }
                        yield List.of();
                    }
                };
        if (turns.isEmpty()) {
            return row.prompt();
        }
        if (turns.getLast().role().equals("assistant")) {
            throw new DatasetException(
                    row.row().origin().where()
                            + ": the last message is the assistant's; a prompt ends before it");
        }
        if (system == null) {
            return new Content.Turns(turns);
        }
        List<Message> whole = new ArrayList<>();
        whole.add(Message.of("system", system));
        whole.addAll(turns);
        return new Content.Turns(whole);
    }

    /// Tells tokens and columns from others.
    String fingerprint() {
        MessageDigest digest = Sha256.begin();
        for (int i = 0; i < rows.size(); i++) {
            String row = Arrays.toString(prompts.get(i)) + rows.get(i).columns();
            digest.update(row.getBytes(StandardCharsets.UTF_8));
        }
        return Sha256.hex(digest).substring(0, 32);
    }
}
