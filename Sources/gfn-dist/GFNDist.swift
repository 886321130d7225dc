@main
enum GFNDist { static func main() {} }
