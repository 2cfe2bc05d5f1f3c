package org.attune.datasets;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.LlamaFactorySpec;
import org.attune.datasets.formats.Sample;
import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowOrigin;
import org.attune.error.DatasetException;
import org.attune.files.HubCache;
import org.attune.text.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;

/// What becomes of columns that aren't called as TRL's are.
class ColumnsTest {
    private static final Set<DatasetType> SFT =
            EnumSet.of(DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION);
    private static final Set<DatasetType> DPO = EnumSet.of(DatasetType.PREFERENCE);
    private static final Set<DatasetType> BCO =
            EnumSet.of(DatasetType.UNPAIRED_PREFERENCE, DatasetType.PREFERENCE);
    private static final Set<DatasetType> GRPO =
            EnumSet.of(
                    DatasetType.PROMPT_ONLY, DatasetType.PROMPT_COMPLETION, DatasetType.PREFERENCE);
    private static final String LONG =
            "A sentence of a passage that somebody wanted read. ".repeat(4);

    @TempDir Path dir;

    @Test
    void dollysContextBelongsToTheQuestion() throws IOException {
        Path file =
                write(
                        "dolly.jsonl",
                        """
                        {"instruction": "Who?", "response": "He.", "category": "open_qa"}
                        {"instruction": "Who?", "context": "He did.", "response": "He.", "category": "closed_qa"}
                        """);
        List<Sample> samples = load(file, SFT);
        assertEquals(List.of("user: Who?", "assistant: He."), turns(samples.get(0)));
        assertEquals(List.of("user: Who?\nHe did.", "assistant: He."), turns(samples.get(1)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "instruction,response", "Instruction,Response", "instruction,output",
                        "question,answer",
                "query,response", "problem,solution", "input,output", "human,assistant"
            })
    void questionsWithAnswersAreTurns(String header) throws IOException {
        Path file = write("qa.csv", header + "\nhow many?,two\n");
        assertEquals(
                List.of("user: how many?", "assistant: two"), turns(load(file, SFT).getFirst()));
    }

    @Test
    void aQuestionBesidePairsIsTheirPrompt() throws IOException {
        Path file =
                write(
                        "orca.jsonl",
                        """
                        {"system": "Be brief.", "question": "1+1?", "chosen": "2", "rejected": "3"}
                        """);
        var pair = assertInstanceOf(Sample.Preference.class, load(file, DPO).getFirst());
        assertEquals(
                List.of(Message.of("system", "Be brief."), Message.of("user", "1+1?")),
                ((Content.Turns) pair.prompt()).messages());
    }

    @Test
    void labelledAnswersAreLabelled() throws IOException {
        String row = "{\"question\": \"1+1?\", \"answer\": \"3\", \"label\": false}\n";
        Path file = write("labelled.jsonl", row);
        assertFalse(((Sample.UnpairedPreference) load(file, BCO).getFirst()).label());
        assertRefused(file, SFT, "label: false", "good rows from bad", "unused_columns: ignore");
    }

    @Test
    void questionsAloneArePromptsAndTheRestStaysForRewards() throws IOException {
        Path file =
                write(
                        "gsm.jsonl",
                        "{\"question\": \"1+1?\", \"answer\": \"2\", \"solution\": \"x\"}\n");
        var prompt =
                (Sample.PromptOnly)
                        load(file, GRPO, new ColumnUse.PromptsAndRewards(Set.of("answer")))
                                .getFirst();
        assertEquals(
                List.of(Message.of("user", "1+1?")), ((Content.Turns) prompt.prompt()).messages());
        assertEquals("2", prompt.row().get("answer"));
    }

    @Test
    void whatIsNearButAmbiguousIsRefusedWithTheMapping() throws IOException {
        assertRefused(
                write("a.jsonl", "{\"prompt\": \"a\", \"response\": \"b\"}\n"),
                SFT,
                "columns: {prompt: instruction, response: output}",
                "columns: {response: completion}");
        assertRefused(
                write("b.jsonl", "{\"problem\": \"a\", \"solution\": \"b\", \"answer\": \"c\"}\n"),
                SFT,
                "solution and answer could each be the answer");
        assertRefused(
                write(
                        "c.jsonl",
                        "{\"prompt\": \"a\", \"chosen_response\": \"b\", \"rejected_response\":"
                                + " \"c\"}\n"),
                DPO,
                "columns: {chosen_response: chosen, rejected_response: rejected}");
        assertRefused(write("d.jsonl", "{\"instruction\": \"a\"}\n"), SFT, "instruction");
    }

    @Test
    void contentThatNothingReadsIsRefused() throws IOException {
        assertRefused(
                write("a.jsonl", "{\"prompt\": \"a\", \"completion\": \"b\", \"system\": \"c\"}\n"),
                SFT,
                "a.jsonl:1: nothing reads the column system (system: \"c\")",
                "unused_columns: ignore");
        assertRefused(
                write("picture.jsonl", "{\"text\": \"a\", \"image\": \"a.png\"}\n"),
                SFT,
                "nothing reads the column image",
                "the model sees no pictures");
        assertRefused(
                write("b.jsonl", "{\"text\": \"short\", \"passage_2\": \"" + LONG + "\"}\n"),
                SFT,
                "passage_2");
        assertRefused(
                write(
                        "c.jsonl",
                        "{\"text\": \"a\", \"talk\": [{\"role\": \"user\", \"content\":"
                                + " \"b\"}]}\n"),
                SFT,
                "talk: \"b\"");
        Path late = write("d.jsonl", "{\"text\": \"a\"}\n{\"text\": \"a\", \"context\": \"b\"}\n");
        assertRefused(late, SFT, "d.jsonl:2", "context");
    }

    @Test
    void whatDescribesARowOrRepeatsItIsNotMissed() throws IOException {
        Path file =
                write(
                        "a.jsonl",
                        """
                        {"id": "7", "prompt": "Hi there", "messages": [{"role": "user", "content": "Hi there"}, {"role": "assistant", "content": "Yo"}], "score": 3.5, "source": "web", "tags": ["a"], "context": "", "meta": {"note": "%s"}, "embedding": [0.5, 1.5]}
                        """
                                .formatted(LONG));
        assertEquals(1, load(file, SFT).size());
        Path whole =
                write(
                        "b.jsonl",
                        "{\"instruction\": \"Add\", \"output\": \"2\", \"text\": \"### Add\\n"
                                + "### 2\"}\n");
        assertEquals(1, load(whole, SFT).size());
        Path seldom =
                write(
                        "c.jsonl",
                        "{\"text\": \"a\"}\n".repeat(40)
                                + "{\"text\": \"a\", \"note\": \""
                                + LONG
                                + "\"}\n");
        assertEquals(41, load(seldom, SFT).size());
    }

    @Test
    void ignoredColumnsAndThoseOfADatasetInfoAreLeftOut() throws IOException {
        Path file = write("a.jsonl", "{\"text\": \"a\", \"context\": \"b\"}\n");
        assertEquals(1, load(file, SFT, new ColumnUse.Ignored()).size());
        write(
                "dataset_info.json",
                "{\"a\": {\"file_name\": \"a.jsonl\", \"columns\": {\"prompt\": \"text\"}}}");
        assertEquals(1, load(file, SFT).size());
    }

    /// The log lists columns that nothing reads.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theColumnOfPicturesInADatasetInfoIsReadIfTheModelSees(boolean sees) {
        var spec =
                new LlamaFactorySpec(
                        "a",
                        "a.jsonl",
                        false,
                        LlamaFactorySpec.Formatting.SHAREGPT,
                        false,
                        Map.of("messages", "talk", "images", "photos"),
                        Map.of(),
                        OptionalLong.empty(),
                        LlamaFactorySpec.Part.ALL);
        var row = new Row(Map.of(), new RowOrigin("a.jsonl", 1, 0));
        var source = DatasetSource.of("a.jsonl");
        Set<String> used =
                new InterpreterChoice(source, Optional.of(spec), SFT, sees).of(row).used();
        assertTrue(used.contains("talk"));
        assertEquals(sees, used.contains("photos"));
    }

    @Test
    void ofPromptsOnlyPartsOfTheQuestionAreMissed() throws IOException {
        Path file =
                write("a.jsonl", "{\"prompt\": \"a\", \"context\": \"b\", \"solution\": \"c\"}\n");
        var use = new ColumnUse.PromptsAndRewards(Set.of("solution"));
        var refused = assertThrows(DatasetException.class, () -> load(file, GRPO, use));
        assertTrue(refused.getMessage().contains("the column context"), refused::getMessage);
        var both = new ColumnUse.PromptsAndRewards(Set.of("context"));
        assertEquals(1, load(file, GRPO, both).size());
        assertEquals(1, load(file, GRPO, new ColumnUse.Anything()).size());
    }

    @Test
    void aPromptThatBothConversationsBeginWithSaysNothingNew() throws IOException {
        String side =
                "[{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\":"
                        + " \"%s\"}]";
        Path file =
                write(
                        "a.jsonl",
                        "{\"prompt\": \"Hi\", \"chosen\": %s, \"rejected\": %s}\n"
                                .formatted(side.formatted("a"), side.formatted("b")));
        var pair = (Sample.Preference) load(file, DPO).getFirst();
        assertEquals(List.of(Message.of("user", "Hi")), ((Content.Turns) pair.prompt()).messages());
    }

    @Test
    void namedColumnsMayBeGivenByTheUser() throws IOException {
        Path file =
                write("a.jsonl", "{\"problem\": \"a\", \"solution\": \"b\", \"answer\": \"c\"}\n");
        var source =
                new DatasetSource(
                        file.toString(),
                        Optional.empty(),
                        Optional.empty(),
                        SplitSpec.TRAIN,
                        Map.of("problem", "instruction", "solution", "output"));
        var loader =
                new DatasetLoader(
                        dir, new HubCache(dir), BadRowPolicy.ERROR, new ColumnUse.Ignored());
        assertEquals(
                List.of("user: a", "assistant: b"),
                turns(loader.load(List.of(source), SFT).samples().getFirst()));
    }

    private static List<String> turns(Sample sample) {
        var row = assertInstanceOf(Sample.PromptCompletion.class, sample);
        return Stream.of(row.prompt(), row.completion())
                .flatMap(part -> ((Content.Turns) part).messages().stream())
                .map(message -> message.role() + ": " + message.content())
                .toList();
    }

    private void assertRefused(Path file, Set<DatasetType> types, String... words) {
        var refused = assertThrows(DatasetException.class, () -> load(file, types));
        for (String word : words) {
            assertTrue(refused.getMessage().contains(word), refused::getMessage);
        }
    }

    private List<Sample> load(Path file, Set<DatasetType> types) {
        return load(file, types, new ColumnUse.RowsOnly());
    }

    private List<Sample> load(Path file, Set<DatasetType> types, ColumnUse use) {
        return new DatasetLoader(dir, new HubCache(dir), BadRowPolicy.ERROR, use)
                .load(List.of(DatasetSource.of(file.toString())), types)
                .samples();
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(dir.resolve(name), text);
    }
}
