package org.attune.images;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class PassingPictureTest {
    private static final int IMAGE = 9;

    @TempDir private Path folder;

    private ImagePipeline pipeline() throws IOException {
        Files.writeString(
                folder.resolve("processor_config.json"),
                """
                {"processor_class": "Idefics3Processor", "image_seq_len": 4, "image_processor": {
                 "image_processor_type": "Idefics3ImageProcessor", "do_image_splitting": false,
                 "size": {"longest_edge": 32}, "max_image_size": {"longest_edge": 32}}}
                """);
        return ImagePipeline.open(folder, ImagePipeline.Options.DEFAULT).orElseThrow();
    }

    private static byte[] drawn(int width) throws IOException {
        return DrawnPictures.file("png", width, 8);
    }

    @Test
    void equalOnesAreOneWhileTheyAreHeld() throws IOException {
        Picture first = Picture.passing(drawn(11));
        assertSame(first, Picture.passing(drawn(11)));
        assertEquals(first, Picture.of("other", drawn(11)));
    }

    @Test
    void whatNobodyHoldsIsForgotten() throws IOException {
        ImagePipeline pipeline = pipeline();
        int[] ids = {IMAGE, IMAGE, IMAGE, IMAGE};
        Picture held = Picture.passing(drawn(12));
        int[] seen = pipeline.see(ids, IMAGE, List.of(held));
        assertEquals(4, SeenPicture.at(seen[0]).picture().prepared().get().tokens());
        var gone = new WeakReference<>(held);
        held = null;
        for (int i = 0; i < 50 && gone.get() != null; i++) {
            System.gc();
        }
        assertTrue(gone.get() == null, "a picture is held by nobody, and yet it is there");
        var place = SeenPicture.at(seen[0]);
        assertThrows(DatasetException.class, () -> place.picture().prepared().get());
        Picture again = Picture.passing(drawn(12));
        int[] later = pipeline.see(ids, IMAGE, List.of(again));
        assertEquals(seen[0], later[0]);
        assertEquals(4, SeenPicture.at(later[0]).picture().prepared().get().tokens());
    }
}
