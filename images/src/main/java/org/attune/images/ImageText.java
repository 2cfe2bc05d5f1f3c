package org.attune.images;

import java.util.Optional;
import java.util.function.Function;

/// How a text names its pictures: chat templates write a placeholder for each, which becomes as
/// many image tokens as the picture has, with what the family writes around them.
///
/// @param placeholder what a template writes for a picture
/// @param token       the image token
/// @param spelling    what a picture becomes
/// @param behindLast  written behind the last picture of a text, which ends with a line feed then;
///     nothing of both if empty
record ImageText(
        String placeholder,
        String token,
        Function<Plan, String> spelling,
        Optional<String> behindLast) {

    ImageText(String placeholder, String token, Function<Plan, String> spelling) {
        this(placeholder, token, spelling, Optional.empty());
    }

    /// Image tokens of a picture.
    int tokens(Plan plan) {
        String text = spelling.apply(plan);
        int count = 0;
        for (int at = text.indexOf(token); at >= 0; at = text.indexOf(token, at + token.length())) {
            count++;
        }
        return count;
    }
}
