package org.attune.images;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.images.Picture.Size;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// Sizes that pictures are brought to, and their tokens, at the settings of real checkpoints.
@Tag("fixtures-text")
final class PictureSizesFixturesTest {
    @Test
    void sizesAreTheProcessors() throws IOException {
        JsonNode all = ImageFixtures.json(ImageFixtures.folder("text").resolve("sizes.json"));
        int compared = 0;
        for (var group : all.properties()) {
            for (JsonNode row : group.getValue().path("rows")) {
                var size = new Size(row.get(1).intValue(), row.get(0).intValue());
                List<Integer> expected = new ArrayList<>();
                row.forEach(number -> expected.add(number.intValue()));
                assertEquals(
                        expected.subList(2, row.size()),
                        computed(group.getKey(), group.getValue(), size),
                        group.getKey() + ", " + size);
                compared++;
            }
        }
        System.out.println(compared + " sizes compared");
        assertEquals(176, compared);
    }

    private static List<Integer> computed(String group, JsonNode settings, Size size) {
        String family = group.split("[ (]")[0];
        switch (family) {
            case "qwen2.5-vl", "qwen3-vl" -> {
                int factor = settings.path("factor").intValue();
                Plan plan =
                        new TileRule.WholePatches(
                                        factor / 2,
                                        2,
                                        2,
                                        settings.path("min_pixels").longValue(),
                                        settings.path("max_pixels").longValue())
                                .plan(size, true);
                return List.of(
                        plan.tile().height(),
                        plan.tile().width(),
                        plan.rows() * plan.columns() / 4);
            }
            case "smolvlm-256m" -> {
                Plan plan = new TileRule.Splitting(2048, 512, true).plan(size, true);
                return List.of(plan.tiles(), plan.rows(), plan.columns(), 64 * plan.tiles());
            }
            case "llava-next" -> {
                List<Size> pinpoints = new ArrayList<>();
                settings.path("pinpoints")
                        .forEach(
                                p ->
                                        pinpoints.add(
                                                new Size(
                                                        p.get(1).intValue(), p.get(0).intValue())));
                Size tile = new Size(336, 336);
                var whole =
                        new ShortestEdge(
                                new ShortestEdge.Target.Fixed(tile),
                                java.util.Optional.empty(),
                                java.util.Optional.empty());
                Plan plan =
                        new Pinpoints(pinpoints, 336, tile, whole, new byte[3], true)
                                .plan(size, true);
                return List.of(plan.whole().height(), plan.whole().width());
            }
            case "internvl3" -> {
                Plan plan = new TileRule.RatioGrid(new Size(448, 448), 1, 12).plan(size, true);
                return List.of(plan.columns(), plan.rows());
            }
            case "pixtral" -> {
                Plan plan =
                        new TileRule.PatchMultiple(new Size(1024, 1024), new Size(16, 16))
                                .plan(size, true);
                return List.of(plan.tile().height(), plan.tile().width());
            }
            default -> throw new AssertionError("sizes of " + group + " are not compared");
        }
    }

    @Test
    void tokensOfAPictureFollowFromItsSize() throws IOException {
        List<Path> families;
        try (Stream<Path> models = Files.list(ImageFixtures.folder("models"))) {
            families = models.sorted().toList();
        }
        int compared = 0;
        for (Path model : families) {
            String family = model.getFileName().toString();
            ImagePipeline pipeline =
                    ImagePipeline.open(model, ImagePipeline.Options.DEFAULT).orElseThrow();
            JsonNode recorded =
                    ImageFixtures.json(ImageFixtures.folder("text").resolve(family + ".json"));
            for (JsonNode row : recorded.path("tokens_by_size").path("rows")) {
                if (row.get(2).isTextual()) {
                    continue; // SmolVLM's processor doesn't tell
                }
                Plan plan = pipeline.plan(new Size(row.get(1).intValue(), row.get(0).intValue()));
                assertEquals(
                        row.get(2).intValue(),
                        pipeline.tokens(plan) + tags(family, plan),
                        family + ", " + row);
                compared++;
            }
        }
        System.out.println(compared + " counts of tokens compared");
        assertEquals(12 * 13, compared);
    }

    /// Tokens beside image tokens, which the recorded counts hold.
    private static int tags(String family, Plan plan) {
        return switch (family) {
            case "idefics3" -> 3 + plan.rows() * (2 * plan.columns() + 1) + 1;
            case "internvl" -> 2;
            case "pixtral", "mistral3" -> plan.rows();
            default -> 0;
        };
    }
}
