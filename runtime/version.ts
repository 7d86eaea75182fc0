/** Shown by `derrick version`, the API and the console; package.json has the same one, and a test compares them. */
export const version = '0.1.0'
