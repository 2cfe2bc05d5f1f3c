package org.attune.datasets;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.formats.Content;
import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.formats.Sample;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.files.HubCache;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

class DatasetLoaderTest {
    private static final Set<DatasetType> SFT =
            Set.of(DatasetType.LANGUAGE_MODELING, DatasetType.PROMPT_COMPLETION);
    private static final Set<DatasetType> DPO = Set.of(DatasetType.PREFERENCE);

    @TempDir Path dir;

    @Test
    void readsAMixtureInOrder() throws IOException {
        write("a.jsonl", "{\"text\": \"one\"}\n");
        write("b.csv", "prompt,completion\np,c\n");
        LoadedDataset loaded =
                loader(BadRowPolicy.ERROR)
                        .load(List.of(DatasetSource.of("a.jsonl"), DatasetSource.of("b.csv")), SFT);
        assertInstanceOf(Sample.LanguageModeling.class, loaded.samples().get(0));
        assertInstanceOf(Sample.PromptCompletion.class, loaded.samples().get(1));
        assertEquals(
                List.of("language_modeling", "prompt_completion"),
                loaded.sources().stream().map(LoadedDataset.Source::format).toList());
    }

    /// What to do depends on whether one row is bad or most are.
    @Test
    void badRowsAreCountedBeforeTheRunEnds() throws IOException {
        String equal = "{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"a\"}\n";
        String good = "{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"b\"}\n";
        String first = "pairs.jsonl:2: columns chosen and rejected are equal; a pair must differ";
        assertFault(
                good + equal + good,
                first,
                "it is the only row that can't be used, and 2 can; on_bad_row: skip leaves");
        assertFault(
                good + equal + equal + "{\n" + good + equal,
                first,
                "it is the first of 4 rows that can't be used, and 2 can; on_bad_row: skip leaves");
        assertFault(
                good + equal.repeat(1200), first, "the first of at least 1000 rows", "and 1 can");
        assertEquals(2, pairs(BadRowPolicy.SKIP, good + equal + good + equal).samples().size());
    }

    /// Without a usable row there is nothing that skipping would leave.
    @Test
    void whereNoRowIsUsableSkippingIsNotAdvised() {
        String equal = "{\"prompt\": \"q\", \"chosen\": \"a\", \"rejected\": \"a\"}\n";
        String message =
                assertThrows(
                                DatasetException.class,
                                () -> pairs(BadRowPolicy.ERROR, equal.repeat(3)))
                        .getMessage();
        assertTrue(message.endsWith("a pair must differ to teach"), message);
    }

    private void assertFault(String rows, String... parts) {
        String message =
                assertThrows(DatasetException.class, () -> pairs(BadRowPolicy.ERROR, rows))
                        .getMessage();
        for (String part : parts) {
            assertTrue(message.contains(part), part + " in " + message);
        }
    }

    private LoadedDataset pairs(BadRowPolicy policy, String rows) throws IOException {
        write("pairs.jsonl", rows);
        return loader(policy).load(List.of(DatasetSource.of("pairs.jsonl")), DPO);
    }

    @Test
    void aDatasetInfoBesideTheFileSaysHowToReadIt() throws IOException {
        write(
                "dataset_info.json",
                "{\"x\": {\"file_name\": \"q.json\", \"columns\": {\"prompt\": \"q\", \"response\":"
                        + " \"a\"}}}");
        write("q.json", "[{\"q\": \"Hi\", \"a\": \"Hello\", \"system\": \"not named, so off\"}]");
        Sample sample = only(DatasetSource.of("q.json"), SFT);
        var row = assertInstanceOf(Sample.PromptCompletion.class, sample);
        assertEquals(1, ((Content.Turns) row.prompt()).messages().size());
        Sample named = only(DatasetSource.of(".#x"), SFT);
        assertEquals(row.completion(), ((Sample.PromptCompletion) named).completion());
    }

    @Test
    void faultsOfADatasetInfoAreThoseOfTheEntryThatIsAskedFor() throws IOException {
        write("ok.json", "[{\"instruction\": \"a\", \"output\": \"b\"}]");
        write(
                "dataset_info.json",
                """
                {"ok": {"file_name": "ok.json"},
                 "nul": {"file_name": "a\\u0000b.json"},
                 "away": {"file_name": "../other.json"},
                 "root": {"file_name": "/etc/passwd"},
                 "hub": {"hf_hub_url": "../../x"},
                 "count": {"file_name": "ok2.json", "num_samples": -3},
                 "typo": {"file_name": "ok3.json", "rankng": true},
                 "truth": {"file_name": "ok4.json", "ranking": "yes"},
                 "number": 7}
                """);
        only(DatasetSource.of(".#ok"), SFT);
        assertFault(".#nul", "file_name is no path");
        assertFault(".#away", "which is not in this folder");
        assertFault(".#root", "which is not in this folder");
        assertFault(".#hub", "hf_hub_url is ../../x");
        assertFault(".#count", "num_samples is -3");
        assertFault(".#typo", "the key rankng is unknown, did you mean ranking?");
        assertFault(".#truth", "ranking is a string");
        assertFault(".#number", "a number, an object is accepted");
        assertFault("a\0b", "is no path");
    }

    private void assertFault(String path, String words) {
        var error = assertThrows(DatasetException.class, () -> only(DatasetSource.of(path), SFT));
        assertTrue(error.getMessage().contains(words), error::getMessage);
    }

    @Test
    void alpacaAndShareGptAreKnownByTheirColumns() throws IOException {
        write("alpaca.json", "[{\"instruction\": \"Add\", \"input\": \"1+1\", \"output\": \"2\"}]");
        var alpaca = (Sample.PromptCompletion) only(DatasetSource.of("alpaca.json"), SFT);
        assertEquals("Add\n1+1", ((Content.Turns) alpaca.prompt()).messages().get(0).content());

        write(
                "share.jsonl",
                "{\"conversations\": [{\"from\": \"human\", \"value\": \"Hi\"}, {\"from\": \"gpt\","
                        + " \"value\": \"Yo\"}]}\n");
        var share = (Sample.LanguageModeling) only(DatasetSource.of("share.jsonl"), SFT);
        assertEquals(
                List.of("user", "assistant"),
                ((Content.Turns) share.content()).messages().stream().map(m -> m.role()).toList());

        write(
                "pairs.jsonl",
                "{\"conversations\": [{\"from\": \"human\", \"value\": \"Hi\"}], \"chosen\":"
                    + " {\"from\": \"gpt\", \"value\": \"a\"}, \"rejected\": {\"from\": \"gpt\","
                    + " \"value\": \"b\"}}\n");
        assertInstanceOf(Sample.Preference.class, only(DatasetSource.of("pairs.jsonl"), DPO));
    }

    @Test
    void shareGptRolesStayIfTrlsTypeIsAskedFor() throws IOException {
        write(
                "share.jsonl",
                "{\"conversations\": [{\"from\": \"human\", \"value\": \"Hi\"}, {\"from\": \"gpt\","
                        + " \"value\": \"Yo\"}]}\n");
        var source = source("share.jsonl", Optional.of("language_modeling"), Map.of());
        var sample = (Sample.LanguageModeling) only(source, SFT);
        assertEquals("human", ((Content.Turns) sample.content()).messages().get(0).role());
    }

    @Test
    void columnsAreRenamed() throws IOException {
        write("a.jsonl", "{\"question\": \"q\", \"answer\": \"a\", \"prompt\": 5}\n");
        var source =
                source(
                        "a.jsonl",
                        Optional.empty(),
                        Map.of("question", "prompt", "answer", "completion"));
        var sample = (Sample.PromptCompletion) only(source, SFT);
        assertEquals(new Content.Text("q"), sample.prompt());
    }

    @Test
    void badRowsAreErrorsOrSkippedAndListed() throws IOException {
        write("a.jsonl", "{\"text\": \"one\"}\n{\"text\": 2}\n{oops\n{\"text\": \"four\"}\n");
        var error =
                assertThrows(DatasetException.class, () -> only(DatasetSource.of("a.jsonl"), SFT));
        assertTrue(error.getMessage().contains("a.jsonl:2: column text is a number"));
        LoadedDataset loaded =
                loader(BadRowPolicy.SKIP).load(List.of(DatasetSource.of("a.jsonl")), SFT);
        assertEquals(2, loaded.samples().size());
        assertEquals(
                List.of(2L, 3L), loaded.skipped().stream().map(n -> n.origin().line()).toList());
    }

    @Test
    void aTypeTheTrainerCannotUseIsNamed() throws IOException {
        write("a.jsonl", "{\"text\": \"one\"}\n");
        var error =
                assertThrows(DatasetException.class, () -> only(DatasetSource.of("a.jsonl"), DPO));
        assertTrue(error.getMessage().contains("language_modeling"), error::getMessage);
        assertTrue(error.getMessage().contains("prompt, chosen, rejected"), error::getMessage);
    }

    @Test
    void hubNamesAreLookedUpInTheCache() throws IOException {
        write("hub/datasets--org--set/refs/main", "abc");
        write(
                "hub/datasets--org--set/snapshots/abc/data/train-00000-of-00001.jsonl",
                "{\"text\": \"train\"}\n");
        write(
                "hub/datasets--org--set/snapshots/abc/data/test-00000-of-00001.jsonl",
                "{\"text\": \"test\"}\n");
        Sample train = only(DatasetSource.of("org/set"), SFT);
        assertEquals(new Content.Text("train"), ((Sample.LanguageModeling) train).content());
        var test =
                new DatasetSource(
                        "org/set",
                        Optional.empty(),
                        Optional.empty(),
                        SplitSpec.parse("test"),
                        Map.of());
        assertEquals(
                new Content.Text("test"), ((Sample.LanguageModeling) only(test, SFT)).content());
        var error =
                assertThrows(
                        DatasetException.class, () -> only(DatasetSource.of("org/other"), SFT));
        assertTrue(
                error.getMessage().contains("attune download --dataset org/other"),
                error::getMessage);
    }

    @Test
    void splitsTakeRanges() {
        List<Integer> rows = IntStream.range(0, 10).boxed().toList();
        assertEquals(List.of(0, 1), SplitSpec.parse("train[:2]").of(rows));
        assertEquals(List.of(9), SplitSpec.parse("train[90%:]").of(rows));
        assertEquals(List.of(7, 8, 9), SplitSpec.parse("train[-3:]").of(rows));
        assertEquals(List.of(), SplitSpec.parse("train[5:3]").of(rows));
        assertEquals("train[10%:]", SplitSpec.parse("train[10%:]").toString());
        assertThrows(ConfigException.class, () -> SplitSpec.parse("train[a:b]"));
    }

    @Test
    void holdOutIsSeededDisjointAndOrdered() throws IOException {
        write(
                "a.jsonl",
                IntStream.range(0, 20)
                        .mapToObj(i -> "{\"text\": \"" + (char) ('a' + i) + "\"}\n")
                        .collect(Collectors.joining()));
        LoadedDataset loaded =
                loader(BadRowPolicy.ERROR).load(List.of(DatasetSource.of("a.jsonl")), SFT);
        LoadedDataset.Holdout held = loaded.holdOut(0.1, 42);
        assertEquals(2, held.test().size());
        assertEquals(18, held.train().size());
        assertEquals(lines(held.test()), lines(loaded.holdOut(2, 42).test()));
        assertTrue(lines(held.train()).stream().noneMatch(lines(held.test())::contains));
        assertEquals(lines(held.train()).stream().sorted().toList(), lines(held.train()));
        assertThrows(ConfigException.class, () -> loaded.holdOut(20, 42));
        assertThrows(ConfigException.class, () -> loaded.holdOut(Double.NaN, 42));
    }

    @Test
    void whatIsNowhereIsSaidWithWhereItWasLookedFor() {
        var error =
                assertThrows(
                        DatasetException.class, () -> only(DatasetSource.of("no/such.jsonl"), SFT));
        assertTrue(error.getMessage().contains(dir.resolve("no/such.jsonl").toString()));
    }

    private static List<Long> lines(List<Sample> samples) {
        return samples.stream().map(sample -> sample.row().origin().line()).toList();
    }

    private Sample only(DatasetSource source, Set<DatasetType> accepted) {
        return loader(BadRowPolicy.ERROR).load(List.of(source), accepted).samples().getFirst();
    }

    private DatasetLoader loader(BadRowPolicy policy) {
        return new DatasetLoader(dir, new HubCache(dir.resolve("hub")), policy);
    }

    private static DatasetSource source(
            String path, Optional<String> type, Map<String, String> columns) {
        return new DatasetSource(path, Optional.empty(), type, SplitSpec.TRAIN, columns);
    }

    private void write(String name, String text) throws IOException {
        Path file = dir.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }
}
