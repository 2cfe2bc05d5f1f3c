package org.attune.images;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.images.ImagePipeline.Backend;
import org.attune.images.ImagePipeline.Prepared;
import org.attune.json.Json;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// What the image processors of transformers make of pictures, by both backends, to the bit.
@Tag("fixtures-text")
final class ProcessorFixturesTest {

    @ParameterizedTest
    @ValueSource(
            strings = {
                "clip-llava",
                "clip-pad",
                "gemma3",
                "gemma3-pan-and-scan",
                "idefics3",
                "idefics3-no-splitting",
                "internvl",
                "llava-next",
                "llava-onevision",
                "pixtral",
                "qwen2-vl",
                "qwen3-vl",
                "real-gemma-3",
                "real-internvl3",
                "real-llava-1.5",
                "real-paligemma2-224",
                "real-pixtral",
                "real-qwen2.5-vl",
                "real-qwen3-vl",
                "real-smolvlm-256m",
                "siglip-bicubic",
                "siglip-bilinear",
                "smolvlm"
            })
    void pixelValuesAreTheProcessors(String name) throws IOException {
        JsonNode recorded =
                ImageFixtures.json(ImageFixtures.folder("processors").resolve(name + ".json"));
        String type = recorded.path("class").textValue();
        List<String> wrong = new ArrayList<>();
        int compared = 0;
        for (var image : recorded.path("images").properties()) {
            Picture picture = ImageFixtures.picture(image.getKey());
            for (Backend backend : Backend.values()) {
                JsonNode expected = image.getValue().path(backend.toString());
                if (expected.isMissingNode()) {
                    continue;
                }
                compared++;
                String what = name + ", " + image.getKey() + ", " + backend + ": ";
                String problem =
                        compare(type, recorded.path("settings"), picture, backend, expected);
                if (!problem.isEmpty()) {
                    wrong.add(what + problem);
                }
            }
        }
        System.out.println(name + ": " + compared + " compared");
        assertEquals(List.of(), wrong);
        assertEquals(2 * recorded.path("images").size(), compared);
    }

    private static String compare(
            String type, JsonNode settings, Picture picture, Backend backend, JsonNode expected) {
        if (expected.has("error")) {
            try {
                pipeline(type, settings, backend, false).prepare(picture, true);
                return "prepared, though refused there: " + expected.path("error");
            } catch (org.attune.error.DatasetException e) {
                return "";
            }
        }
        Prepared prepared = pipeline(type, settings, backend, false).prepare(picture, true);
        Prepared bytes = pipeline(type, settings, backend, true).prepare(picture, true);
        var problem = new StringBuilder();
        int[] shape = Json.MAPPER.convertValue(expected.path("shape"), int[].class);
        if (product(shape) != product(prepared.shape())
                || shape[shape.length - 1] != prepared.shape()[prepared.shape().length - 1]) {
            problem.append("shape " + Arrays.toString(prepared.shape()));
        }
        if (!hash(prepared.pixelValues()).equals(expected.path("sha256").textValue())) {
            problem.append(" values");
        }
        byte[] levels = new byte[bytes.pixelValues().length];
        for (int i = 0; i < levels.length; i++) {
            levels[i] = (byte) (int) bytes.pixelValues()[i];
        }
        if (expected.has("uint8_sha256")
                && !Picture.sha256(levels).equals(expected.path("uint8_sha256").textValue())) {
            problem.append(" bytes");
        }
        grid(expected, prepared.grid(), problem);
        return problem.toString();
    }

    private static void grid(JsonNode expected, int[] grid, StringBuilder problem) {
        int[] wanted = null;
        if (expected.has("rows")) {
            wanted =
                    new int[] {
                        expected.path("rows").get(0).get(0).intValue(),
                        expected.path("cols").get(0).get(0).intValue()
                    };
        }
        for (String key : List.of("image_grid_thw", "image_sizes")) {
            if (expected.has(key)) {
                wanted = Json.MAPPER.convertValue(expected.path(key).get(0), int[].class);
            }
        }
        for (String key : List.of("num_patches")) {
            if (expected.has(key)) {
                wanted = Json.MAPPER.convertValue(expected.path(key), int[].class);
            }
        }
        boolean some = wanted != null && grid.length >= wanted.length; // tiles may follow
        if (wanted != null
                && !(some && Arrays.equals(wanted, Arrays.copyOf(grid, wanted.length)))) {
            problem.append(" grid " + Arrays.toString(grid));
        }
    }

    private static int product(int[] shape) {
        return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }

    private static String hash(float[] values) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return Picture.sha256(bytes.array());
    }

    private static ImagePipeline pipeline(
            String type, JsonNode given, Backend backend, boolean asBytes) {
        ObjectNode settings = ImageFiles.defaults().get(type).deepCopy();
        given.properties().forEach(entry -> settings.set(entry.getKey(), entry.getValue()));
        if (asBytes) {
            settings.put("do_rescale", false).put("do_normalize", false);
        }
        return ImagePipeline.of(type, new ImageSettings("settings", settings), backend);
    }
}
