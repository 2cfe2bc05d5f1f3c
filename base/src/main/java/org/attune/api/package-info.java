/// What is promised of public types: [Api] marks them.
package org.attune.api;
