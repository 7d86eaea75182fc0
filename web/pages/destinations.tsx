export function Destinations() {
  return <p>Destinations</p>
}
