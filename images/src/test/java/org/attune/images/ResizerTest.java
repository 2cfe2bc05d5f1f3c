package org.attune.images;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.attune.images.ImagePipeline.Backend;
import org.junit.jupiter.api.Test;

final class ResizerTest {
    /// Bilinear from two pixels to one: both lie half a pixel from the middle, of which the filter,
    /// stretched by two, leaves 3/4 each; so each counts a half. (10 + 21) / 2 is rounded up.
    @Test
    void twoPixelsBecomeTheirMean() {
        var two = new Pixels(2, 1, new byte[] {10, 0, 0, 21, 100, 2});
        for (Backend backend : Backend.values()) {
            Pixels one = new Resizer(Filter.BILINEAR, backend).resize(two, 1, 1);
            assertArrayEquals(new byte[] {16, 50, 1}, one.rgb());
        }
    }

    /// Bilinear from two rows to four: the outer ones are the rows themselves, the inner ones lie a
    /// quarter of the way: 0, 25, 75, 100.
    @Test
    void twoRowsBecomeFour() {
        var two = new Pixels(1, 2, new byte[] {0, 0, 0, 100, 100, 100});
        Pixels four = new Resizer(Filter.BILINEAR, Backend.TORCHVISION).resize(two, 1, 4);
        assertArrayEquals(new byte[] {0, 0, 0, 25, 25, 25, 75, 75, 75, 100, 100, 100}, four.rgb());
    }

    /// A bicubic filter overshoots beside an edge, and bytes end at 0 and 255.
    @Test
    void overshootingIsClipped() {
        byte dark = 0;
        byte light = -1;
        var edge =
                new Pixels(
                        4,
                        1,
                        new byte[] {0, 0, 0, 0, 0, 0, light, light, light, light, light, light});
        Pixels wide = new Resizer(Filter.BICUBIC, Backend.PIL).resize(edge, 16, 1);
        assertArrayEquals(new byte[] {dark, light}, new byte[] {wide.rgb()[15], wide.rgb()[33]});
    }

    @Test
    void aPictureOfTheSizeStays() {
        var one = new Pixels(1, 1, new byte[3]);
        assertSame(one, new Resizer(Filter.LANCZOS, Backend.PIL).resize(one, 1, 1));
    }
}
