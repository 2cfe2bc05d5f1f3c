package org.attune.examples.quickstart;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.files.safetensors.SafeTensorsFile;
import org.attune.model.config.DecoderConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

final class TinyModelTest {
    @Test
    void theFolderIsAModel(@TempDir Path folder) throws IOException {
        TinyModel.defaults().write(folder, RandomSource.XO_SHI_RO_256_PP.create(1L));
        DecoderConfig config = DecoderConfig.read(folder);
        assertEquals(6, config.heads());
        assertEquals(3, config.kvHeads());
        assertEquals(32, config.headDim());
        try (var file = SafeTensorsFile.open(folder.resolve("model.safetensors"))) {
            long parameters =
                    file.entries().values().stream()
                            .mapToLong(e -> Arrays.stream(e.shape()).reduce(1, (a, b) -> a * b))
                            .sum();
            assertEquals(1_378_368, parameters);
            assertArrayEquals(
                    new long[] {260, 192}, file.entries().get("model.embed_tokens.weight").shape());
        }
    }

    @Test
    void bytesAreWrittenAsByteLevelTokenizersDo() {
        assertEquals('a', ByteTokenizer.visible('a'));
        assertEquals('Ġ', ByteTokenizer.visible(' '));
        assertEquals('Ċ', ByteTokenizer.visible('\n'));
    }
}
