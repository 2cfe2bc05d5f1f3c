package org.attune.images;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;

/// Pictures as Pillow decodes them, to the byte.
@Tag("fixtures-text")
final class DecodingFixturesTest {
    @Test
    void picturesAreWhatPillowDecodes() throws IOException {
        Map<String, Pixels> recorded =
                ImageFixtures.pixels(ImageFixtures.folder("images").resolve("decoded.safetensors"));
        var different = new TreeMap<String, String>();
        int equal = 0;
        int refused = 0;
        for (String key : recorded.keySet()) {
            String name = key.substring(key.indexOf('.') + 1);
            if (recorded.containsKey("on_white." + name) && key.startsWith("rgb.")) {
                continue; // processors lay transparent pictures on white
            }
            Picture picture = ImageFixtures.picture(name);
            if (name.endsWith(".webp")) {
                String message = assertThrows(DatasetException.class, picture::pixels).getMessage();
                assertTrue(message.contains(name) && message.contains("imageio-webp"), message);
                refused++;
                continue;
            }
            String difference = ImageFixtures.difference(recorded.get(key), picture.pixels());
            if (difference.equals("equal")) {
                equal++;
            } else {
                different.put(key, difference);
            }
            assertEquals(
                    new Picture.Size(recorded.get(key).width(), recorded.get(key).height()),
                    picture.size(),
                    name);
        }
        System.out.printf("%d pictures equal, %d of WebP refused%n", equal, refused);
        assertEquals(Map.of(), different);
        assertEquals(52, equal);
        assertEquals(3, refused);
    }
}
