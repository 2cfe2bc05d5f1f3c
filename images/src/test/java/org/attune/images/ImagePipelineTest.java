package org.attune.images;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.error.DatasetException;
import org.attune.error.ModelException;
import org.attune.images.ImagePipeline.Backend;
import org.attune.images.ImagePipeline.Options;
import org.attune.images.ImagePipeline.Prepared;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32;

final class ImagePipelineTest {
    @TempDir Path folder;

    private ImagePipeline idefics(Map<String, Object> settings) throws IOException {
        Files.writeString(
                folder.resolve("preprocessor_config.json"),
                """
                {"image_processor_type": "Idefics3ImageProcessorFast",
                 "size": {"longest_edge": 8}, "max_image_size": {"longest_edge": 4}}\
                """);
        Files.writeString(
                folder.resolve("processor_config.json"),
                """
                {"processor_class": "Idefics3Processor", "image_seq_len": 1}\
                """);
        return ImagePipeline.open(folder, new Options(Backend.TORCHVISION, settings)).orElseThrow();
    }

    private static Picture picture(int width, int height) throws IOException {
        return Picture.of(width + " x " + height, DrawnPictures.file("png", width, height));
    }

    /// Eight wide and four high are two tiles of four in a row; then the whole.
    @Test
    void aPictureBecomesTilesAndTheWhole() throws IOException {
        ImagePipeline pipeline = idefics(Map.of());
        Prepared prepared = pipeline.prepare(picture(8, 4), true);
        assertArrayEquals(new int[] {3, 3, 4, 4}, prepared.shape());
        assertArrayEquals(new int[] {1, 2}, prepared.grid());
        assertEquals(3, prepared.tokens());
        assertEquals(3, pipeline.tokens(picture(8, 4), true));
        // The first pixel of the second tile is the fifth of the picture: level 4 of 255.
        assertEquals((4 / 255f - 0.5f) / 0.5f, prepared.pixelValues()[48], 1e-6);
    }

    @Test
    void placeholdersBecomeImageTokens() throws IOException {
        ImagePipeline pipeline = idefics(Map.of());
        String text = "A <image> and <image>.";
        var expanded =
                pipeline.expand(text, List.of(picture(8, 4), picture(4, 4)), 2, 9, text.length());
        assertEquals(
                "A <fake_token_around_image><row_1_col_1><image>"
                        + "<fake_token_around_image><row_1_col_2><image>\n\n"
                        + "<fake_token_around_image><global-img><image><fake_token_around_image>"
                        + " and "
                        + "<fake_token_around_image><row_1_col_1><image>"
                        + "<fake_token_around_image><row_1_col_2><image>\n"
                        + "<fake_token_around_image><row_2_col_1><image>"
                        + "<fake_token_around_image><row_2_col_2><image>\n\n"
                        + "<fake_token_around_image><global-img><image><fake_token_around_image>.",
                expanded.text());
        assertEquals(2, expanded.places()[0]);
        assertEquals(expanded.text().indexOf(" and "), expanded.places()[1]);
        assertEquals(expanded.text().length(), expanded.places()[2]);
    }

    @Test
    void asManyPicturesAsPlaceholdersAreNeeded() throws IOException {
        ImagePipeline pipeline = idefics(Map.of());
        List<Picture> one = List.of(picture(4, 4));
        for (String text : List.of("none", "<image><image>")) {
            String message =
                    assertThrows(DatasetException.class, () -> pipeline.expand(text, one))
                            .getMessage();
            assertTrue(message.contains("times <image> for 1 pictures"), message);
        }
        assertEquals(
                1,
                pipeline.expand("\ufdd0<image>\ufdd1 <image>", one)
                                .text()
                                .split("\ufdd0<image>\ufdd1", -1)
                                .length
                        - 1,
                "what a user wrote stays text");
    }

    @Test
    void settingsOfTheUserComeBeforeTheModels() throws IOException {
        ImagePipeline small = idefics(Map.of("size", Map.of("longest_edge", 4)));
        assertEquals(1, small.tokens(picture(8, 4), true));
        assertTrue(small.smaller().contains("longest_edge: 4"), small.smaller());
        String key = small.prepare(picture(8, 4), true).key();
        assertNotEquals(key, idefics(Map.of()).prepare(picture(8, 4), true).key());
        assertEquals(key, small.prepare(picture(8, 4), true).key());
    }

    /// Whole numbers of configurations are longs.
    @Test
    void theUsersFilterComesBeforeTheModels() throws IOException {
        Picture small = picture(3, 5);
        float[] lanczos = idefics(Map.of()).prepare(small, true).pixelValues();
        float[] bicubic = idefics(Map.of("resample", 3L)).prepare(small, true).pixelValues();
        assertFalse(Arrays.equals(lanczos, bicubic));
        assertArrayEquals(
                lanczos, idefics(Map.of("resample", 1L)).prepare(small, true).pixelValues());
    }

    /// What is kept of a picture is found by its key.
    @Test
    void keysTellPicturesBackendsAndNeighboursApart() throws IOException {
        ImagePipeline pipeline = idefics(Map.of());
        String key = pipeline.prepare(picture(8, 4), true).key();
        assertNotEquals(key, pipeline.prepare(picture(4, 8), true).key());
        assertNotEquals(key, pipeline.prepare(picture(8, 4), false).key(), "beside others");
        var pillow = new Options(Backend.PIL, Map.of());
        ImagePipeline other = ImagePipeline.open(folder, pillow).orElseThrow();
        assertNotEquals(key, other.prepare(picture(8, 4), true).key(), "backend");
        int[] alone = pipeline.see(new int[] {9, 9, 9}, 9, List.of(picture(8, 4)));
        List<Picture> two = List.of(picture(8, 4), picture(8, 4));
        int[] beside = pipeline.see(new int[] {9, 9, 9, 9, 9, 9}, 9, two);
        assertNotEquals(alone[0], beside[0], "a picture beside others is another one");
        assertEquals(beside[0], beside[3]);
    }

    @Test
    void unknownSettingsAreRefusedWithTheNearest() {
        String message =
                assertThrows(ConfigException.class, () -> idefics(Map.of("max_image_sise", 3)))
                        .getMessage();
        assertTrue(
                message.startsWith("image_settings: ") && message.contains("max_image_size?"),
                message);
    }

    @Test
    void foldersWithoutPicturesHaveNoPipeline() {
        assertEquals(Optional.empty(), ImagePipeline.open(folder, Options.DEFAULT));
    }

    /// A line of pixels becomes 336 wide and millions high before its middle is cut out.
    @Test
    void whatNoMemoryHoldsIsRefusedBeforeItIsMade() throws IOException {
        Files.writeString(
                folder.resolve("processor_config.json"),
                """
                {"processor_class": "LlavaProcessor", "patch_size": 14,
                 "image_processor": {"image_processor_type": "CLIPImageProcessor"}}\
                """);
        var pipeline = ImagePipeline.open(folder, Options.DEFAULT).orElseThrow();
        Picture narrow = picture(1, 40_000);
        String message =
                assertThrows(DatasetException.class, () -> pipeline.tokens(narrow, true))
                        .getMessage();
        assertTrue(message.contains("resized to 224 x 8960000, which no memory"), message);
        assertThrows(DatasetException.class, () -> pipeline.prepare(narrow, true));
        assertTrue(pipeline.tokens(picture(1, 400), true) > 0);
    }

    /// A PNG that is too short for its pixels ends in an error before memory is taken for them.
    @Test
    void aShortPngIsRefusedByItsHeader() throws IOException {
        byte[] file = DrawnPictures.file("png", 30, 40);
        file[17] = 1; // 65,566 wide
        file[22] = 4; // 1,064 high
        var crc = new CRC32();
        crc.update(file, 12, 17);
        ByteBuffer.wrap(file).putInt(29, (int) crc.getValue());
        String message =
                assertThrows(DatasetException.class, () -> Picture.of("short", file).pixels())
                        .getMessage();
        assertEquals("short: PNG: the file ends before the picture does", message);
    }

    @Test
    void badSettingsNameTheFileAndTheKey() throws IOException {
        Path file = folder.resolve("preprocessor_config.json");
        Map<String, String> bad =
                Map.of(
                        "{\"image_processor_type\": \"Sam3ImageProcessor\"}",
                        "accepted: Idefics3",
                        "{\"image_processor_type\": \"PixtralImageProcessor\", \"resample\": 0,"
                                + "\"processor_class\": \"PixtralProcessor\"}",
                        "resample is 0",
                        "{\"image_processor_type\": \"SiglipImageProcessor\", \"size\": 1e9,"
                                + " \"image_seq_length\": 4,\"processor_class\":"
                                + " \"PaliGemmaProcessor\"}",
                        "size is 1.0E9",
                        "{\"image_processor_type\": \"CLIPImageProcessor\", \"do_resize\": false,"
                                + "\"processor_class\": \"Idefics3Processor\"}",
                        "do_resize",
                        "[]",
                        "no JSON object");
        bad.forEach(
                (text, expected) -> {
                    try {
                        Files.writeString(file, text);
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                    AttuneException e =
                            assertThrows(
                                    ModelException.class,
                                    () -> ImagePipeline.open(folder, Options.DEFAULT).orElseThrow(),
                                    text);
                    assertTrue(e.getMessage().contains(expected), e.getMessage());
                });
    }

    /// Qwen's patches of a picture of two by two patches, whose pixels are numbered: the values of
    /// a patch are its own pixels, twice, channel by channel.
    @Test
    void patchesStandBlockByBlock() throws IOException {
        Files.writeString(
                folder.resolve("preprocessor_config.json"),
                """
                {"image_processor_type": "Qwen2VLImageProcessor", "patch_size": 1,
                 "merge_size": 2, "min_pixels": 4, "max_pixels": 64,
                 "processor_class": "Qwen2VLProcessor",
                 "do_rescale": false, "do_normalize": false}\
                """);
        ImagePipeline pipeline = ImagePipeline.open(folder, Options.DEFAULT).orElseThrow();
        Prepared prepared = pipeline.prepare(picture(4, 2), true);
        assertArrayEquals(new int[] {8, 6}, prepared.shape());
        assertArrayEquals(new int[] {1, 2, 4}, prepared.grid());
        assertEquals(2, prepared.tokens());
        int[] columns = {0, 1, 0, 1, 2, 3, 2, 3};
        int[] rows = {0, 0, 1, 1, 0, 0, 1, 1};
        for (int patch = 0; patch < 8; patch++) {
            float[] expected = {columns[patch], columns[patch], rows[patch], rows[patch], 7, 7};
            float[] found =
                    java.util.Arrays.copyOfRange(prepared.pixelValues(), 6 * patch, 6 * patch + 6);
            assertArrayEquals(expected, found);
        }
    }
}
