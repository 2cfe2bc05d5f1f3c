package org.attune.files.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.files.TensorFile;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.source.ModelSource;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.testing.TensorValues;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// A real GGUF file against the same model dequantised by another program.
@Tag("fixtures-smollm2")
class SmolLm2GgufTest {
    @Test
    void tensorsAndTokenizerEqualTheHuggingFaceFolder() {
        Path path = Fixtures.model("SmolLM2-135M-Instruct.Q4_1.gguf");
        Path folder = Fixtures.model("smollm2-hf");
        Path cases = Fixtures.fixture("text/tokenizers/smollm2.cases.jsonl");
        try (var report = new CaseReport("fixtures-smollm2", getClass());
                GgufFile gguf = GgufFile.open(path);
                ModelSource model = ModelSource.open(path.toString());
                SafeTensorsFile expected = SafeTensorsFile.open(folder)) {
            report.run("tensors", () -> compareTensors(model.tensors(), expected));
            report.run(
                    "tokenizer",
                    () -> GgufTokenizerFixtureTest.compareCases(gguf.metadata(), cases));
        }
    }

    private static void compareTensors(TensorFile gguf, SafeTensorsFile expected)
            throws IOException {
        assertEquals(expected.entries().keySet(), gguf.entries().keySet());
        for (TensorFile.Entry entry : expected.entries().values()) {
            String name = entry.name();
            assertArrayEquals(entry.shape(), gguf.entries().get(name).shape(), name);
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment mine = gguf.read(name, arena);
                assertEquals(-1, mine.mismatch(expected.read(name, arena)), name);
                TensorValues.assertRounded(gguf, name);
            }
        }
    }
}
