package org.attune.datasets;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.formats.DatasetType;
import org.attune.datasets.rows.JsonValues;
import org.attune.error.DatasetException;
import org.attune.files.HubCache;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Damaged files and rows: each is refused with file and line.
@Tag("fixtures-text")
class MalformedFixturesTest {
    @Test
    void faultsAreNamedWithFileAndLine() throws Exception {
        Path dir = Fixtures.fixture("text/formats/malformed");
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (String line : Files.readString(dir.resolve("expected.jsonl")).split("\n")) {
                var expected = (Map<?, ?>) JsonValues.parse(line, "expected.jsonl");
                String file = (String) expected.get("file");
                report.run(file, () -> check(dir, file, expected));
            }
        }
    }

    private static void check(Path dir, String file, Map<?, ?> expected) {
        if (Boolean.TRUE.equals(expected.get("ok"))) {
            LoadedDataset loaded = load(dir, file, (String) expected.get("type"));
            assertEquals(expected.get("rows"), (long) loaded.samples().size());
            return;
        }
        Object line = expected.get("line");
        String where = dir.resolve(file) + (line == null ? "" : ":" + line + ":");
        boolean warningWillDo =
                expected.get("note") instanceof String note && note.contains("warning may do");
        String message =
                warningWillDo
                        ? load(dir, file, (String) expected.get("type"))
                                .warnings()
                                .getFirst()
                                .message()
                        : assertThrows(
                                        DatasetException.class,
                                        () -> load(dir, file, (String) expected.get("type")))
                                .getMessage();
        assertTrue(message.startsWith(where), () -> "expected " + where + ", got " + message);
    }

    private static LoadedDataset load(Path dir, String file, String type) {
        var loader = new DatasetLoader(dir, new HubCache(dir), BadRowPolicy.ERROR);
        var source =
                new DatasetSource(
                        file, Optional.empty(), Optional.of(type), SplitSpec.TRAIN, Map.of());
        return loader.load(List.of(source), Set.of(DatasetType.values()));
    }
}
