package org.attune.model.layer;

import static org.attune.testing.TensorAssert.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.images.ImagePipeline.Prepared;
import org.attune.images.SeenPicture;
import org.attune.model.config.DecoderConfig;
import org.attune.tensor.DType;
import org.attune.tensor.Device;
import org.attune.tensor.Engine;
import org.attune.tensor.Tensor;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;
import org.attune.testing.TinyVision;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Rows of pictures: which of them are kept, how kept ones are named, and pictures with more tiles
/// than the encoder computes at once.
class PictureRowsTest {
    private static final int ROWS = 4; // of a tile
    private static final int NUMBERS = 3 * 8 * 8; // of a tile

    /// Some tiles of an endless row of them, each unlike the others.
    private static SeenPicture tiles(int from, int count) {
        float[] pixels = new float[count * NUMBERS];
        for (int i = 0; i < pixels.length; i++) {
            pixels[i] = (float) Math.sin((from * NUMBERS + i) * 0.37);
        }
        String key = "tiles %d, %d".formatted(from, count);
        int[] shape = {count, 3, 8, 8};
        int rows = count * ROWS;
        return new SeenPicture(key, rows, () -> new Prepared(pixels, shape, new int[0], rows, key));
    }

    private interface Use {
        void with(VisionTower tower, Weight like);
    }

    private static void withTower(DecoderConfig config, Use use) {
        Engine.run(
                () -> {
                    try (var scope = TensorScope.open("test")) {
                        var loader =
                                new WeightLoader(
                                        config,
                                        TinyModels.weights(config),
                                        scope,
                                        Device.cpu(),
                                        DType.FLOAT32,
                                        false,
                                        Optional.empty());
                        int width = config.hiddenSize();
                        var tower = new VisionTower(config.vision().orElseThrow(), loader, width);
                        use.with(tower, loader.input().tokens());
                    }
                });
    }

    private static float[] seen(PictureRows rows, SeenPicture picture) {
        int[] text = new int[picture.rows()];
        int[] ids = SeenPicture.among(text, 0, List.of(picture));
        Tensor x = Tensor.zeros(Device.cpu(), DType.FLOAT32, ids.length, 32);
        rows.put(ids, x, Adapter.OFF, Dropout.NONE);
        return x.toFloats();
    }

    /// 128 tiles of 16 patches pass through the encoder at once.
    @Test
    void tilesBeyondTheFirstPartAreEncodedAsThoseOfIt() {
        withTower(
                TinyModels.seeing(),
                (tower, like) -> {
                    var rows = new PictureRows(tower, like);
                    float[] all = seen(rows, tiles(0, 131));
                    float[] last = seen(rows, tiles(128, 3));
                    float[] own = Arrays.copyOfRange(all, all.length - last.length, all.length);
                    assertClose("last tiles", last, own, 1e-5, 1e-5);
                    assertEquals(2, rows.encoded());
                });
    }

    @Test
    void theOldestPictureMakesRoomWhereBytesAreTooMany() {
        withTower(
                TinyModels.seeing(),
                (tower, like) -> {
                    long bytes = ROWS * 32L * Float.BYTES;
                    var rows = new PictureRows(tower, like, 2 * bytes);
                    for (int picture : new int[] {1, 2, 1, 2}) {
                        seen(rows, tiles(picture, 1));
                    }
                    assertEquals(2, rows.encoded(), "two are kept");
                    seen(rows, tiles(3, 1));
                    seen(rows, tiles(2, 1));
                    assertEquals(3, rows.encoded(), "the first one made room");
                    seen(rows, tiles(1, 1));
                    assertEquals(4, rows.encoded(), "it was gone");
                    rows.close();
                });
    }

    @Test
    void everyWeightSettingAndFormatNamesAnotherTower() {
        for (DecoderConfig config : List.of(TinyModels.seeing(), TinyVision.whole())) {
            withTower(config, PictureRowsTest::nameOfEachTensor);
        }
    }

    private static void nameOfEachTensor(VisionTower tower, Weight like) {
        String name = PictureFiles.name(tower, "a", like.base());
        assertEquals(name, PictureFiles.name(tower, "a", like.base()));
        assertNotEquals(name, PictureFiles.name(tower, "b", like.base()), "settings");
        Tensor half = like.base().to(DType.BFLOAT16);
        assertNotEquals(name, PictureFiles.name(tower, "a", half), "dtype");
        List<Tensor> all = new ArrayList<>();
        for (FusedLinear linear : tower.linears()) {
            IntStream.range(0, linear.parts().size())
                    .boxed()
                    .flatMap(part -> Stream.of(linear.weight(part), linear.bias(part)))
                    .filter(tensor -> tensor != null)
                    .forEach(all::add);
        }
        tower.norms().forEach(norm -> norm.weights().forEach(w -> all.add(w.base())));
        tower.others().forEach(weight -> all.add(weight.base()));
        assertTrue(all.size() > 20, all.size() + " tensors");
        for (int i = 0; i < all.size(); i++) {
            float[] before = all.get(i).toFloats();
            Tensor last = all.get(i).reshape(-1).narrow(0, before.length - 1, 1);
            last.addInPlace(Tensor.of(Device.cpu(), new float[] {1}, 1));
            assertFalse(Arrays.equals(before, all.get(i).toFloats()), "changed in place");
            assertNotEquals(name, PictureFiles.name(tower, "a", like.base()), "tensor " + i);
            last.copyInPlace(Tensor.of(Device.cpu(), new float[] {before[before.length - 1]}, 1));
            assertArrayEquals(before, all.get(i).toFloats());
        }
        assertEquals(name, PictureFiles.name(tower, "a", like.base()));
    }
}
