package org.attune.images;

import org.attune.error.ModelException;
import org.attune.images.Picture.Size;

import java.util.Optional;

/// Makes rules of settings, by the name of the class that has them in `transformers`.
final class TileRules {
    private TileRules() {}

    static TileRule of(String type, ImageSettings settings) {
        if (!settings.is("do_resize")) {
            throw new ModelException(
                    settings.file()
                            + ": do_resize is false, but pictures have any size; accepted: true");
        }
        return switch (type) {
            case "Idefics3ImageProcessor", "SmolVLMImageProcessor" ->
                    new TileRule.Splitting(
                            edge(settings, "size", "longest_edge"),
                            edge(settings, "max_image_size", "longest_edge"),
                            settings.is("do_image_splitting"));
            case "Qwen2VLImageProcessor" ->
                    new TileRule.WholePatches(
                            settings.whole("patch_size"),
                            settings.whole("merge_size"),
                            settings.whole("temporal_patch_size"),
                            settings.pixels("min_pixels", "shortest_edge"),
                            settings.pixels("max_pixels", "longest_edge"));
            case "Gemma3ImageProcessor" -> gemma(settings);
            case "SiglipImageProcessor" -> new TileRule.Square(size(settings));
            case "CLIPImageProcessor", "LlavaImageProcessor" ->
                    shortestEdge(
                            settings,
                            settings.is("do_pad") ? Optional.of(mean(settings)) : Optional.empty());
            case "LlavaNextImageProcessor" -> pinpoints(settings, true);
            case "LlavaOnevisionImageProcessor" -> pinpoints(settings, false);
            case "GotOcr2ImageProcessor" ->
                    settings.is("crop_to_patches")
                            ? new TileRule.RatioGrid(
                                    size(settings),
                                    settings.whole("min_patches"),
                                    settings.whole("max_patches"))
                            : new TileRule.Square(size(settings));
            case "PixtralImageProcessor" ->
                    new TileRule.PatchMultiple(
                            settings.edge("size", "longest_edge")
                                    .map(edge -> new Size(edge, edge))
                                    .orElseGet(() -> size(settings)),
                            settings.required(
                                    "patch_size",
                                    settings.size("patch_size"),
                                    "height and width, or a number"));
            default -> throw new IllegalArgumentException(type);
        };
    }

    private static int edge(ImageSettings settings, String key, String name) {
        return settings.required(key, settings.edge(key, name), "{\"" + name + "\": pixels}");
    }

    private static Size size(ImageSettings settings) {
        return settings.required(
                "size", settings.size("size"), "{\"height\": pixels, \"width\": pixels}");
    }

    private static TileRule gemma(ImageSettings settings) {
        return settings.is("do_pan_and_scan")
                ? new TileRule.Crops(
                        size(settings),
                        settings.whole("pan_and_scan_min_crop_size"),
                        settings.whole("pan_and_scan_max_num_crops"),
                        settings.number("pan_and_scan_min_ratio_to_activate"))
                : new TileRule.Square(size(settings));
    }

    private static ShortestEdge shortestEdge(ImageSettings settings, Optional<byte[]> square) {
        ShortestEdge.Target target =
                settings.edge("size", "shortest_edge")
                        .<ShortestEdge.Target>map(ShortestEdge.Target.Edge::new)
                        .orElseGet(() -> new ShortestEdge.Target.Fixed(size(settings)));
        Optional<Size> crop =
                settings.is("do_center_crop") ? settings.size("crop_size") : Optional.empty();
        return new ShortestEdge(target, crop, square);
    }

    private static TileRule pinpoints(ImageSettings settings, boolean cutsAll) {
        Size base =
                settings.size("size")
                        .orElseGet(
                                () -> {
                                    int edge = edge(settings, "size", "shortest_edge");
                                    return new Size(edge, edge);
                                });
        return new Pinpoints(
                settings.sizes("image_grid_pinpoints"),
                settings.size("crop_size").map(Size::height).orElse(base.height()),
                base,
                shortestEdge(settings, Optional.empty()),
                mean(settings),
                cutsAll);
    }

    private static byte[] mean(ImageSettings settings) {
        double[] mean = settings.colours("image_mean");
        byte[] colour = new byte[mean.length];
        for (int i = 0; i < mean.length; i++) {
            colour[i] = (byte) (mean[i] * 255);
        }
        return colour;
    }
}
