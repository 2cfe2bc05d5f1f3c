package org.attune.datasets;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.formats.DatasetType;
import org.attune.error.DatasetException;
import org.attune.files.HubCache;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Folders that `save_to_disk` wrote are data sets; `make_arrow.py` recorded one.
class SavedDatasetTest {
    @TempDir Path dir;

    @BeforeEach
    void copy() throws IOException, URISyntaxException {
        Path from = Path.of(SavedDatasetTest.class.getResource("/recorded/arrow/saved").toURI());
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, dir.resolve("saved").resolve(from.relativize(file).toString()));
            }
        }
    }

    @Test
    void shardsAreReadInOrderAndSplitsByName() {
        assertEquals(List.of("a", "b", "c"), prompts("saved", "train"));
        assertEquals(List.of("c"), prompts("saved", "test"));
        assertEquals(List.of("a", "b"), prompts("saved", "train[:2]"));
    }

    @Test
    void oneSplitOfItIsADataSet() {
        assertEquals(List.of("c"), prompts("saved/test", "train"));
        assertEquals(List.of("c"), prompts("saved/test", "test"));
        assertEquals(List.of("b"), prompts("saved/train/data-00000-of-00002.arrow", "train[1:]"));
    }

    @Test
    void whatIsMissingIsNamed() throws IOException {
        assertFault("saved", "dev", "has no split \"dev\"; it has train, test");
        assertFault("saved/test", "dev", "has no split \"dev\"; it is one data set");
        Path state = dir.resolve("saved/test/state.json");
        String text = Files.readString(state);
        Files.writeString(state, text.replace("data-00000", "../train/data-00000"));
        assertFault("saved/test", "train", "is no name of something in its folder");
        Files.writeString(state, text.replace("{\n", "{\n\"_indices_files\": [{}],\n"));
        assertFault("saved/test", "train", "saved an order of the rows beside them");
        Files.delete(dir.resolve("saved/train/data-00001-of-00002.arrow"));
        assertFault("saved", "train", "lists data-00001-of-00002.arrow, which isn't there");
        Files.delete(dir.resolve("saved/train/state.json"));
        assertFault("saved", "train", "state.json is missing");
        assertFault("saved/train", "train", "save_to_disk wrote it, it did not end");
        Files.delete(dir.resolve("saved/dataset_dict.json"));
        Files.writeString(state, text);
        assertFault("saved", "train", "it holds data sets of save_to_disk, name one of them");
    }

    @Test
    void aNameIsRefused() {
        var source =
                new DatasetSource(
                        "saved", Optional.of("test"), Optional.empty(), SplitSpec.TRAIN, Map.of());
        var error = assertThrows(DatasetException.class, () -> prompts(source));
        assertTrue(error.getMessage().contains("use split:"), error::getMessage);
    }

    private void assertFault(String path, String split, String part) {
        var error = assertThrows(DatasetException.class, () -> prompts(path, split));
        assertTrue(error.getMessage().contains(part), error::getMessage);
    }

    private List<String> prompts(String path, String split) {
        return prompts(
                new DatasetSource(
                        path,
                        Optional.empty(),
                        Optional.empty(),
                        SplitSpec.parse(split),
                        Map.of()));
    }

    private List<String> prompts(DatasetSource source) {
        var loader = new DatasetLoader(dir, new HubCache(dir.resolve("hub")), BadRowPolicy.ERROR);
        return loader
                .load(List.of(source), Set.of(DatasetType.PROMPT_COMPLETION))
                .samples()
                .stream()
                .map(sample -> (String) sample.row().get("prompt"))
                .toList();
    }
}
