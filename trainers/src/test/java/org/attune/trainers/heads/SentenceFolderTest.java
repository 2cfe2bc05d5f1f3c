package org.attune.trainers.heads;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

class SentenceFolderTest {
    @TempDir private Path folder;

    /// No adapter is written here, so the model isn't asked for its tokenizer.
    private void write(SentenceFolder what) throws IOException {
        what.beside(_ -> {}, null).write(folder);
    }

    @Test
    void whatIsWrittenIsReadAgain() throws IOException {
        for (PoolingMode pooling : PoolingMode.values()) {
            var given = new SentenceFolder(pooling, 24, OptionalInt.of(128));
            write(given);
            assertEquals(Optional.of(given), SentenceFolder.of(folder));
        }
        assertTrue(Files.readString(folder.resolve("modules.json")).contains("2_Normalize"));
    }

    @Test
    void newerFilesNameTheModeAndOthersAreRefused() throws IOException {
        write(new SentenceFolder(PoolingMode.LASTTOKEN, 24, OptionalInt.empty()));
        Path pooling = folder.resolve("1_Pooling/config.json");
        Files.writeString(pooling, "{\"embedding_dimension\": 8, \"pooling_mode\": \"mean\"}");
        assertEquals(
                Optional.of(new SentenceFolder(PoolingMode.MEAN, 8, OptionalInt.empty())),
                SentenceFolder.of(folder));
        Files.writeString(pooling, "{\"embedding_dimension\": 8, \"pooling_mode\": \"cls\"}");
        var e = assertThrows(ModelException.class, () -> SentenceFolder.of(folder));
        assertTrue(e.getMessage().contains("lasttoken nor mean"), e::getMessage);
    }

    @Test
    void foldersWithoutModulesAreNotSentences() {
        assertEquals(Optional.empty(), SentenceFolder.of(folder));
    }

    @Test
    void rerankersReadTwoTexts() throws IOException {
        SentenceFolder.ranking(_ -> {}, null, OptionalInt.of(64)).write(folder);
        String modality = Files.readString(folder.resolve("sentence_bert_config.json"));
        assertTrue(modality.contains("\"text\"") && !modality.contains("message"), modality);
        assertEquals(Optional.empty(), SentenceFolder.of(folder));
    }
}
