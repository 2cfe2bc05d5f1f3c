/// Pictures among tokens.
package org.attune.model.vision;
