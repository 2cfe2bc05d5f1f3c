package org.attune.images;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.attune.images.ImagePipeline.Backend;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Resized pictures as Pillow and torchvision make them, to the byte.
@Tag("fixtures-text")
final class ResizingFixturesTest {
    private static final Pattern NAME =
            Pattern.compile("(pil|torchvision)\\.(\\w+)\\.(.+)\\.(\\d+)x(\\d+)");

    @Test
    void resizedPicturesAreTheLibraries() throws IOException {
        Map<String, Pixels> arrays =
                ImageFixtures.pixels(ImageFixtures.folder("resize").resolve("resize.safetensors"));
        var different = new TreeMap<String, String>();
        var counts = new TreeMap<String, Integer>();
        arrays.forEach(
                (key, expected) -> {
                    Matcher name = NAME.matcher(key);
                    if (!name.matches() || name.group(2).equals("nearest")) {
                        return;
                    }
                    var resizer =
                            new Resizer(
                                    Filter.valueOf(name.group(2).toUpperCase(Locale.ROOT)),
                                    Backend.valueOf(name.group(1).toUpperCase(Locale.ROOT)));
                    Pixels resized =
                            resizer.resize(
                                    arrays.get("in." + name.group(3)),
                                    expected.width(),
                                    expected.height());
                    String difference = ImageFixtures.difference(expected, resized);
                    counts.merge(name.group(1), 1, Integer::sum);
                    if (!difference.equals("equal")) {
                        different.put(key, difference);
                    }
                });
        System.out.println("resized pictures compared: " + counts);
        assertEquals(Map.of(), different);
        assertEquals(
                arrays.keySet().stream()
                        .filter(key -> NAME.matcher(key).matches() && !key.contains(".nearest."))
                        .count(),
                counts.values().stream().mapToInt(Integer::intValue).sum());
    }
}
