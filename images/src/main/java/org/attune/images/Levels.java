package org.attune.images;

import org.attune.images.ImagePipeline.Backend;

/// What each level of a channel becomes, in the floating-point steps of either backend.
final class Levels {
    private static final int COUNT = 256;

    private final float[][] values = new float[Pixels.CHANNELS][COUNT];

    Levels(ImageSettings settings, Backend backend) {
        double factor = settings.is("do_rescale") ? settings.number("rescale_factor") : 0;
        boolean isNormal = settings.is("do_normalize");
        double[] mean = isNormal ? settings.colours("image_mean") : new double[Pixels.CHANNELS];
        double[] deviation = isNormal ? settings.colours("image_std") : new double[Pixels.CHANNELS];
        for (int channel = 0; channel < values.length; channel++) {
            for (int level = 0; level < COUNT; level++) {
                float rescaled =
                        backend == Backend.PIL
                                ? pil(level, factor)
                                : torch(level, factor, isNormal);
                values[channel][level] =
                        isNormal
                                ? (rescaled - shift(mean[channel], factor, backend))
                                        / shift(deviation[channel], factor, backend)
                                : rescaled;
            }
        }
    }

    private static float pil(int level, double factor) {
        return factor == 0 ? level : (float) (level * factor);
    }

    private static float torch(int level, double factor, boolean isNormal) {
        return factor == 0 || isNormal ? level : level * (float) factor;
    }

    /// Torchvision scales what is subtracted and divided by instead of the picture.
    private static float shift(double value, double factor, Backend backend) {
        return backend == Backend.PIL || factor == 0
                ? (float) value
                : (float) value * (float) (1.0 / factor);
    }

    float value(int channel, byte level) {
        return values[channel][level & 255];
    }

    /// Writes a tile channel by channel, row by row.
    ///
    /// @return one past the last place that was written
    int write(Pixels tile, float[] to, int start) {
        int at = start;
        for (int channel = 0; channel < Pixels.CHANNELS; channel++) {
            float[] levels = values[channel];
            for (int i = channel; i < tile.rgb().length; i += Pixels.CHANNELS) {
                to[at++] = levels[tile.rgb()[i] & 255];
            }
        }
        return at;
    }

    /// Writes a picture patch by patch. Patches that become one token follow each other; each holds
    /// a channel as often as a patch has times, row by row.
    void writePatches(Pixels picture, TileRule.WholePatches rule, float[] to) {
        int patch = rule.patch();
        int block = patch * rule.merge();
        int at = 0;
        for (int top = 0; top < picture.height(); top += block) {
            for (int left = 0; left < picture.width(); left += block) {
                for (int y = top; y < top + block; y += patch) {
                    for (int x = left; x < left + block; x += patch) {
                        at = writePatch(picture, x, y, rule, to, at);
                    }
                }
            }
        }
    }

    private int writePatch(
            Pixels picture, int left, int top, TileRule.WholePatches rule, float[] to, int start) {
        int at = start;
        for (int channel = 0; channel < Pixels.CHANNELS; channel++) {
            int first = at;
            for (int y = top; y < top + rule.patch(); y++) {
                int from = (y * picture.width() + left) * Pixels.CHANNELS + channel;
                for (int x = 0; x < rule.patch(); x++) {
                    to[at++] = value(channel, picture.rgb()[from + x * Pixels.CHANNELS]);
                }
            }
            int length = at - first;
            for (int time = 1; time < rule.times(); time++) {
                System.arraycopy(to, first, to, at, length);
                at += length;
            }
        }
        return at;
    }
}
