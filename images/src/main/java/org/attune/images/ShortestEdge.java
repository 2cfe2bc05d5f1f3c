package org.attune.images;

import org.attune.images.ImagePipeline.Backend;
import org.attune.images.Picture.Size;

import java.util.List;
import java.util.Optional;

/// CLIP and LLaVA-1.5: the shorter edge gets a fixed length, and what reaches over the middle is
/// cut away.
///
/// @param target what a picture is resized to
/// @param crop   the middle that stays; the whole if empty
/// @param square colour that a picture is made square with before, as red, green and blue; as it is
///     if empty
record ShortestEdge(Target target, Optional<Size> crop, Optional<byte[]> square)
        implements TileRule {

    /// A length of the shorter edge, or one size for all pictures.
    sealed interface Target {
        record Edge(int length) implements Target {}

        record Fixed(Size size) implements Target {}
    }

    @Override
    public Plan plan(Size picture, boolean alone) {
        Size padded = padded(picture);
        Size resized = resized(padded);
        Size whole = area(padded) > area(resized) ? padded : resized; // what memory must hold
        return new Plan(picture, whole, result(picture), 0, 0, 1, new int[0]);
    }

    private static long area(Size size) {
        return (long) size.width() * size.height();
    }

    private Size padded(Size picture) {
        int edge = Math.max(picture.width(), picture.height());
        return square.isEmpty() ? picture : new Size(edge, edge);
    }

    Size result(Size picture) {
        return crop.orElseGet(() -> resized(padded(picture)));
    }

    private Size resized(Size picture) {
        return switch (target) {
            case Target.Fixed fixed -> fixed.size();
            case Target.Edge(int length) -> {
                boolean isTall = picture.width() <= picture.height();
                long longer = Math.max(picture.width(), picture.height());
                int other =
                        (int)
                                ((double) (length * longer)
                                        / Math.min(picture.width(), picture.height()));
                yield isTall ? new Size(length, other) : new Size(other, length);
            }
        };
    }

    @Override
    public List<Pixels> tiles(Pixels picture, Plan plan, Resizer resizer) {
        return List.of(fit(picture, resizer));
    }

    Pixels fit(Pixels picture, Resizer resizer) {
        Pixels padded = square.isEmpty() ? picture : squared(picture, square.get());
        Size size = resized(new Size(padded.width(), padded.height()));
        Pixels resized = resizer.resize(padded, size.width(), size.height());
        return crop.map(middle -> middle(resized, middle, resizer.backend())).orElse(resized);
    }

    /// The picture in the middle of a square of its longer edge.
    static Pixels squared(Pixels picture, byte[] colour) {
        if (picture.width() == picture.height()) {
            return picture;
        }
        int edge = Math.max(picture.width(), picture.height());
        Pixels canvas = Pixels.black(edge, edge);
        for (int i = 0; i < canvas.rgb().length; i++) {
            canvas.rgb()[i] = colour[i % Pixels.CHANNELS];
        }
        return picture.onto(canvas, (edge - picture.width()) / 2, (edge - picture.height()) / 2);
    }

    /// The middle of a picture; what is smaller gets a black border. Of an odd border the larger
    /// side is right and below in torchvision, left and above in Pillow.
    private static Pixels middle(Pixels picture, Size size, Backend backend) {
        return picture.part(
                begin(picture.width(), size.width(), backend),
                begin(picture.height(), size.height(), backend),
                size.width(),
                size.height());
    }

    private static int begin(int length, int kept, Backend backend) {
        int more = length - kept;
        if (more >= 0) {
            return more / 2;
        }
        return backend == Backend.PIL ? -Math.ceilDiv(-more, 2) : -(-more / 2);
    }
}
