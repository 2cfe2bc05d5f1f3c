/// Reads turns by a model's own description of them (`response_template`).
package org.attune.text.parse.template;
