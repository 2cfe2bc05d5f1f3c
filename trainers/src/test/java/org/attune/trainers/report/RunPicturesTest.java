package org.attune.trainers.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.images.Picture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

class RunPicturesTest {
    private static final Path PICTURE =
            Path.of(System.getProperty("attune.root", ".."), "examples/quickstart/look.png");

    @TempDir Path run;

    @Test
    void whatAPictureWasIsFoundAsLongAsItIsThat() throws IOException {
        Path file = Files.copy(PICTURE, run.resolve("a.png"));
        String name = new RunPictures(run).name(Picture.at("row 1", file));
        assertTrue(RunPictures.read(run, name).isPresent());
        assertEquals(
                Optional.of(file.toAbsolutePath()),
                RunPictures.original(run, name).flatMap(Picture::path));
        assertEquals(Optional.empty(), RunPictures.original(run, "../a.png"));
        Files.writeString(file, "another");
        assertEquals(Optional.empty(), RunPictures.original(run, name));
        Files.delete(file);
        assertEquals(Optional.empty(), RunPictures.original(run, name));
    }

    @Test
    void bytesOfARowAreInNoFile() throws IOException {
        String name = new RunPictures(run).name(Picture.of("row 1", Files.readAllBytes(PICTURE)));
        assertTrue(RunPictures.read(run, name).isPresent());
        assertEquals(Optional.empty(), RunPictures.original(run, name));
    }
}
