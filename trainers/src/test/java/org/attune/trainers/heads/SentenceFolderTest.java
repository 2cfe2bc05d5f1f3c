package org.attune.trainers.heads;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ModelException;
import org.attune.models.score.PoolingMode;
import org.attune.models.score.SentenceFiles;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

class SentenceFolderTest {
    @TempDir private Path folder;

    /// No adapter is written here, so the model isn't asked for its tokenizer.
    private void write(SentenceFolder what) throws IOException {
        what.beside(_ -> {}, null).write(folder);
    }

    private Optional<SentenceFiles> read() {
        return SentenceFiles.of(folder);
    }

    private static SentenceFiles read(PoolingMode pooling, int width, OptionalInt maxLength) {
        return new SentenceFiles(
                pooling, width, maxLength, true, false, false, true, Map.of(), Optional.empty());
    }

    @Test
    void whatIsWrittenIsReadAgain() throws IOException {
        for (PoolingMode pooling : PoolingMode.values()) {
            var given = new SentenceFolder(pooling, 24, OptionalInt.of(128));
            write(given);
            assertEquals(Optional.of(read(pooling, 24, OptionalInt.of(128))), read());
        }
        assertTrue(Files.readString(folder.resolve("modules.json")).contains("2_Normalize"));
    }

    @Test
    void newerFilesNameTheModeAndOthersAreRefused() throws IOException {
        write(new SentenceFolder(PoolingMode.LASTTOKEN, 24, OptionalInt.empty()));
        Path pooling = folder.resolve("1_Pooling/config.json");
        Files.writeString(pooling, "{\"embedding_dimension\": 8, \"pooling_mode\": \"mean\"}");
        assertEquals(Optional.of(read(PoolingMode.MEAN, 8, OptionalInt.empty())), read());
        Files.writeString(pooling, "{\"embedding_dimension\": 8, \"pooling_mode\": \"cls\"}");
        refused("the pooling mode is cls; accepted: lasttoken or mean");
        Files.writeString(
                folder.resolve("modules.json"),
                "[{\"path\": \"1_Pooling\", \"type\": \"x.Pooling\"},"
                        + "{\"path\": \"2\", \"type\": \"x.Dense\"}]");
        refused("the module Dense isn't computed");
    }

    private void refused(String part) {
        var e = assertThrows(ModelException.class, this::read);
        assertTrue(e.getMessage().contains(part), e::getMessage);
    }

    @Test
    void foldersWithoutModulesAreNotSentences() {
        assertEquals(Optional.empty(), read());
    }

    @Test
    void rerankersReadTwoTexts() throws IOException {
        SentenceFolder.ranking(_ -> {}, null, OptionalInt.of(64)).write(folder);
        String modality = Files.readString(folder.resolve("sentence_bert_config.json"));
        assertTrue(modality.contains("\"text\"") && !modality.contains("message"), modality);
        assertEquals(Optional.empty(), read());
    }
}
